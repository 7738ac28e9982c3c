"""From text to ids: the part of a student that needs a tokenizer and no weights.

Prompts and responses are encoded apart, so where one ends and the other begins is known exactly. Text
is bounded before it is tokenised, prompts are cut but responses never are, and `layout` names
everything that decides the ids, so that a token cache can tell whether it is still right.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from lamini.errors import UserError
from lamini.students.prompts import PROBE, wrapper_named

LAYOUT_VERSION = 1  # raise it when the same text would give other ids: token caches depend on it

# Characters per token of context beyond which text is cut before it is tokenised. Real text has 3
# to 6 a token, so nothing that could fit is lost, and a row of 10 MB costs no more memory than a
# long one.
CHARACTERS_PER_TOKEN = 64


@dataclass(frozen=True)
class Features:
    """One pair as token ids; `response` includes the end token, `truncated`: the prompt was cut."""

    prompt: list[int]
    response: list[int]
    truncated: bool


class TokenLayout(ABC):
    """How one architecture lays out a pair in ids."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        context: int,
        wrapper: str,
    ) -> None:
        """Hold the parts; `context` is in tokens, `wrapper` a name of `prompts.WRAPPERS`.

        Raises:
            UserError: no fast tokenizer, no end token, unknown wrapper, or a context without room.
        """
        if not tokenizer.is_fast or tokenizer.eos_token_id is None:
            raise UserError("tokenizer= needs a fast tokenizer (tokenizer.json) with an eos_token")
        self.tokenizer = tokenizer
        self.context = context
        self.wrapper = wrapper
        self.wrap = wrapper_named(wrapper)
        self.end = int(tokenizer.eos_token_id)
        self.pad = self.end if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)
        self.start = leading_specials(tokenizer)
        self.tail = self.prompt_tail()
        if context <= len(self.tail):
            raise UserError(f"context={context} has no room for a prompt; use at least 64")

    @abstractmethod
    def prompt_tail(self) -> list[int]:
        """The ids that end every prompt and survive its truncation."""

    @abstractmethod
    def fit(self, prompt: list[int], response: list[int], truncated: bool) -> Features | None:
        """The pair within the context: prompt cut if need be, None if the response cannot fit."""

    def encode(self, instructions: list[str], responses: list[str]) -> list[Features | None]:
        """Token ids of pairs, in one call of the tokenizer for prompts and one for responses.

        An instruction longer than `CHARACTERS_PER_TOKEN * context` characters is cut there and
        marked truncated; a response longer than that is refused without being tokenised. A response
        is never cut.

        Returns:
            One entry a pair; None where the response does not fit the context (see `fit`).
        """
        limit = CHARACTERS_PER_TOKEN * self.context
        prompts = self.encode_prompts(instructions)
        short = [text if len(text) <= limit else "" for text in responses]
        pairs = zip(instructions, prompts, responses, self.ids(short), strict=True)
        return [
            None if len(response) > limit else self.fit(prompt, answer + [self.end], len(instruction) > limit)
            for instruction, prompt, response, answer in pairs
        ]

    def encode_prompts(self, instructions: list[str]) -> list[list[int]]:
        """Wrapped instructions as ids of any length, start and end tokens included."""
        limit = CHARACTERS_PER_TOKEN * self.context
        wrapped = self.ids([self.wrap(text[:limit]) for text in instructions])
        return [self.start + ids + self.prompt_end() for ids in wrapped]

    def prompt_end(self) -> list[int]:
        """Ids that close a prompt after its text."""
        return []

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text without special tokens."""
        if not texts:
            return []
        # verbose=False: texts longer than model_max_length are our business and no reason to warn.
        return list(self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"])

    def suffix_ids(self) -> list[int]:
        """Ids of the wrapper's suffix as they stand after an instruction.

        Where a token spans the boundary (a vocabulary that joins the full stop to the line break),
        the suffix is encoded by itself instead.
        """
        text = self.wrap(PROBE)
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        begin = len(text) - len(self.wrap.suffix)
        first = [offset for offset, _ in found["offset_mapping"]]
        if begin in first:
            return list(found["input_ids"][first.index(begin) :])
        return self.ids([self.wrap.suffix])[0]

    def cut(self, prompt: list[int], room: int) -> list[int]:
        """`prompt` in at most `room` ids: its head, then the tail that every prompt ends with."""
        if len(prompt) <= room:
            return prompt
        return prompt[: max(0, room - len(self.tail))] + self.tail

    def layout(self) -> dict[str, Any]:
        """Everything that decides which ids a text gets, as JSON: the key of a token cache."""
        backend = json.loads(self.tokenizer.backend_tokenizer.to_str())
        # Calls with padding or truncation leave their settings behind, which are no part of this.
        backend["padding"] = backend["truncation"] = None
        canonical = json.dumps(backend, sort_keys=True).encode()
        return {
            "version": LAYOUT_VERSION,
            "student": type(self).__name__,
            "tokenizer": hashlib.sha256(canonical).hexdigest(),
            "prefix": self.wrap.prefix,
            "suffix": self.wrap.suffix,
            "context": self.context,
            "start": self.start,
            "end": self.end,
        }


def leading_specials(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The special tokens put before a text, found by position: BOS and EOS may be one id."""
    found = tokenizer(PROBE, return_special_tokens_mask=True)
    mask = found["special_tokens_mask"]
    return list(found["input_ids"][: mask.index(0)])
