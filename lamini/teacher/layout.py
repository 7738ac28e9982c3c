"""How a chat becomes the tokens of a local model.

    herd member's export    the last user message alone in its own wrapper: it knows bare instructions only
    chat template           what the template says; a system message it refuses stands before the first turn
    neither                 all messages, one blank line between them

Worked example, messages system "Be brief." and user "Name a colour.":

    no template             "Be brief.\\n\\nName a colour."
    exported T5             "Name a colour."
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard
from jinja2 import TemplateError
from transformers import PreTrainedConfig

from lamini.students.tokenizers import load_tokenizer
from lamini.teacher.protocol import Message

NO_LIMIT = 10**9  # tokenizers without a limit say 10^30


class Layout:
    """Tokenizer, prompt format and limits of one checkpoint."""

    def __init__(self, source: str, config: PreTrainedConfig) -> None:
        """Read them from a folder or hub id.

        Raises:
            UserError: no tokenizer there.
        """
        self.tokenizer: Any = load_tokenizer(source)
        self.encoder_decoder = bool(config.is_encoder_decoder)
        self.padding_side = "right" if self.encoder_decoder else "left"
        self.herd = is_export(Path(source))
        self.templated = self.tokenizer.chat_template is not None
        self.knows_system = self.templated and self._renders_system()
        self.context = self._context(config)
        self.ends = self._ends(source, config)
        pad = self.tokenizer.pad_token_id
        self.pad = int(pad) if pad is not None else (self.ends or [0])[0]

    def text(self, messages: Sequence[Message]) -> str:
        """The prompt as text; see the module."""
        turns = [message for message in messages if message.role == "user"][-1:] if self.herd else messages
        if not self.templated:
            return "\n\n".join(message.content for message in turns)
        if not self.knows_system:
            turns = without_system(turns)
        chat = [{"role": turn.role, "content": turn.content} for turn in turns]
        return str(self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The prompt as ids, special tokens included; templates write their own."""
        found = self.tokenizer(self.text(messages), add_special_tokens=not self.templated, verbose=False)
        return list(found["input_ids"])

    def decode(self, ids: list[int]) -> str:
        """The text of ids, special tokens left out."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def room(self, prompt: int, wanted: int) -> int:
        """Tokens that an answer to a prompt of so many may have: at most `wanted`, 0 where it is too long."""
        if self.context is None:
            return wanted
        if self.encoder_decoder:  # the decoder has a context of its own
            return min(wanted, self.context) if prompt <= self.context else 0
        return max(0, min(wanted, self.context - prompt))

    def _renders_system(self) -> bool:
        probe = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]
        try:
            return "Be brief." in self.tokenizer.apply_chat_template(probe, tokenize=False)
        except TemplateError:
            return False

    def _context(self, config: PreTrainedConfig) -> int | None:
        """The smaller of the model's positions and the tokenizer's limit; None: any length."""
        positions = getattr(config, "max_position_embeddings", None)
        limits = [limit for limit in (positions, self.tokenizer.model_max_length) if limit]
        known = [int(limit) for limit in limits if limit < NO_LIMIT]
        return min(known, default=None)

    def _ends(self, source: str, config: PreTrainedConfig) -> list[int]:
        """All tokens that end an answer: the checkpoint's own, which for chats may be several."""
        from transformers import GenerationConfig

        try:
            found = GenerationConfig.from_pretrained(source).eos_token_id
        except OSError:
            found = None
        for ends in (found, getattr(config, "eos_token_id", None), self.tokenizer.eos_token_id):
            if ends is not None:
                return [int(end) for end in (ends if isinstance(ends, list) else [ends])]
        return []


def without_system(messages: Sequence[Message]) -> list[Message]:
    """System messages moved into the first turn that follows.

    >>> without_system([Message("system", "Be brief."), Message("user", "Name a colour.")])
    [Message(role='user', content='Be brief.\\n\\nName a colour.')]
    """
    turns: list[Message] = []
    held: list[str] = []
    for message in messages:
        if message.role == "system":
            held.append(message.content)
            continue
        turns.append(Message(message.role, "\n\n".join([*held, message.content])))
        held = []
    return turns


def is_export(folder: Path) -> bool:
    """Whether the folder is one of our exports: its model card says so."""
    card = folder / "README.md"
    if not card.is_file():
        return False
    try:
        tags = ModelCard.load(card).data.tags
    except (ValueError, OSError):  # a card of somebody else's
        return False
    return "lamini" in (tags or [])
