"""What every student can do, whatever its architecture: encode, plan, collate, loss, answer.

A `Student` is a light plain object around a tokenizer and, once it is needed, a model. It is no
`nn.Module`: planning and caching need the token layout without weights, and the training loop owns
the module. All that differs between architectures lives in its two subclasses; nothing outside this
folder asks which one it has.

Names: B pairs of a batch, N pairs of a plan, T positions, R response tokens, D width, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from lamini.errors import UserError
from lamini.students.branches import Branches
from lamini.students.compiling import uncompiled
from lamini.students.head import summed_loss
from lamini.students.layout import Features, TokenLayout
from lamini.students.operations import Operations
from lamini.students.tensors import IGNORE, Ids, length_mask, pad_rows

__all__ = ["Batch", "Features", "Scored", "Student"]

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Scored:
    """An answer to be scored: its tokens are what the last of the inputs have to predict.

    `source` is what an encoder reads, empty where there is none; `cut` counts the tokens left out.
    """

    source: tuple[int, ...]
    inputs: tuple[int, ...]
    answer: tuple[int, ...]
    cut: int = 0


# What stands at padding, if it is not the padding id.
PADDING = {
    "labels": IGNORE, "attention_mask": 0, "position_ids": 0, "segment_ids": 0, "decoder_segment_ids": 0,
}  # fmt: skip


class Student(TokenLayout):
    """Token layout of one architecture and, with a model, its loss and its answers."""

    architecture: ClassVar[str]  # encoder-decoder or decoder-only
    auto_model: ClassVar[str]  # the AutoModel class that loads it
    FEATURES: ClassVar[dict[str, torch.dtype]]  # what `collate` returns
    PACKED: ClassVar[dict[str, torch.dtype]]  # and where rows hold several pairs
    PACKABLE: ClassVar[tuple[str, ...]]  # model types whose packed rows are tested to be exact
    padding_side: ClassVar[str]  # of prompts when answering
    refused_precisions: ClassVar[dict[str, str]] = {}  # precision -> why
    refused_attention: ClassVar[dict[str, str]] = {}  # attention -> why
    refused_compiled: ClassVar[dict[str, str]] = {}  # attention that cannot be compiled -> why

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        context: int,
        wrapper: str,
        model: PreTrainedModel | None = None,
    ) -> None:
        """A layout (see `TokenLayout`) and, for losses and answers, a model.

        Raises:
            UserError: as `TokenLayout`.
        """
        super().__init__(tokenizer, context, wrapper)
        self.model = model
        self.head_loss = "chunked"  # trainer.head: chunked, plain or liger
        self.multiple = 1  # widths of a batch are rounded up to it: see `width`

    @abstractmethod
    def sides(self, prompt_N: np.ndarray, response_N: np.ndarray) -> np.ndarray:
        """Positions that pairs of these lengths take on each side of the model, int64 (N, K).

        All that planning needs to know of an architecture: rows are padded on each side apart.
        """

    @staticmethod
    @abstractmethod
    def operations(model: PreTrainedModel) -> Operations:
        """How many operations of `model` pairs need (lamini/students/operations.py).

        The model may be one without memory, on the meta device.
        """

    @abstractmethod
    def arrange(self, prompts: Sequence[Ids], responses: Sequence[Ids], rows: Sequence[Ids] | None) -> Batch:
        """The tensors named in FEATURES or PACKED, right-padded, labels shifted."""

    @abstractmethod
    def scored(self, context: list[int], answer: list[int], limit: int) -> Scored:
        """An answer of a benchmark after its context, which is cut from the left to what `limit` leaves."""

    @abstractmethod
    def branch(self, sources: Sequence[Ids], trees: Sequence[Branches]) -> Batch:
        """The tensors of rows that hold trees of inputs (lamini/students/branches.py), for `hidden`."""

    @abstractmethod
    def reference(self, prompts: Sequence[Ids], responses: Sequence[Ids]) -> Batch:
        """What one would hand to `model(**inputs)` in a plain loop: the model shifts, masks and averages."""

    @abstractmethod
    def hidden(self, model: PreTrainedModel, batch: Batch) -> Tensor:
        """hidden_BTD as the head expects it, position for position with the labels."""

    @abstractmethod
    def room(self, prompt_length: int, max_new_tokens: int) -> int:
        """New tokens an answer to a prompt of this length may have."""

    @abstractmethod
    def prompt_limit(self, max_new_tokens: int) -> int:
        """Tokens of a prompt kept when an answer of `max_new_tokens` is asked for."""

    @classmethod
    def check_precision(cls, precision: str) -> None:
        """Raise UserError where this architecture is known to fail in `precision`, with the reason."""
        if precision in cls.refused_precisions:
            raise UserError(f"trainer.precision={precision}: {cls.refused_precisions[precision]}")

    def collate(
        self, prompts: Sequence[Ids], responses: Sequence[Ids], rows: Sequence[Ids] | None = None
    ) -> Batch:
        """The tensors of a micro-batch; see the class for worked examples.

        `rows` are the positions of the pairs that share a row, each pair once and in order, such as
        [[0, 1], [2]]; None gives each pair a row of its own.

        Raises:
            TypeError: a subclass returned other names or dtypes than it declares.
        """
        batch = self._widened(self.arrange(prompts, responses, rows))
        name = type(self).__name__
        declared = self.FEATURES if rows is None else self.PACKED
        for feature, dtype in declared.items():
            if feature not in batch:
                raise TypeError(f"{name} declares feature {feature} but collate left it out")
            if batch[feature].dtype != dtype:
                raise TypeError(f"{name}: feature {feature} is {batch[feature].dtype}, not {dtype}")
        for feature in batch.keys() - declared.keys():
            raise TypeError(f"{name}: collate returned feature {feature}, which is not declared")
        return batch

    def width(self, longest: int) -> int:
        """Positions of a row for a longest one of `longest`: multiples of `multiple`, so that shapes are few.

        A row that fits the context stays within it, for the sake of learned positions. With multiple 4 and
        context 10 rows of 3, 8, 9 and 11 become 4, 8, 10 and 12 wide.
        """
        rounded = -(-longest // self.multiple) * self.multiple
        return min(rounded, self.context) if longest <= self.context else rounded

    def _widened(self, batch: Batch) -> Batch:
        """The batch padded to `width`. With multiple 4, labels [[7, 1]] become [[7, 1, -100, -100]]."""
        if self.multiple == 1:
            return batch
        wider = {}
        for name, ids_BT in batch.items():
            extra = self.width(ids_BT.shape[1]) - ids_BT.shape[1]
            wider[name] = pad(ids_BT, (0, extra), value=PADDING.get(name, self.pad))
            if name == "position_ids" and "segment_ids" not in batch:
                # Unbroken: positions that start anew would look like a packed row to transformers.
                wider[name] = torch.arange(wider[name].shape[1]).expand(len(ids_BT), -1)
        return wider

    def responses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """hidden_RD as the head expects it and labels_R of the response tokens, pair after pair.

        The one place where positions without a label are left out: no logits exist for prompts or
        padding.

        Raises:
            UserError: the student has no model.
        """
        hidden_BTD = self.hidden(self.ready(), batch)
        kept_BT = batch["labels"] != IGNORE
        return hidden_BTD[kept_BT], batch["labels"][kept_BT]

    def head(self) -> nn.Linear:
        """What turns hidden_RD into logits_RV."""
        return cast(nn.Linear, self.ready().get_output_embeddings())

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum of the response tokens' losses (fp32 scalar) and their number (int64 scalar).

        The caller divides once by the tokens of the whole optimizer step, so micro-batches of any
        size weigh tokens equally.

        Raises:
            UserError: the student has no model.
        """
        hidden_RD, labels_R = self.responses(batch)
        total = summed_loss(self.head(), hidden_RD, labels_R, self.head_loss)
        return total, torch.tensor(len(labels_R), device=labels_R.device)

    @classmethod
    def packing_obstacle(cls, model_type: str) -> str | None:
        """Why rows of several pairs would not be exact; None where tests show that they are."""
        if model_type in cls.PACKABLE:
            return None
        return (
            f"a packed row is not known to be exact with model_type {model_type} (position bias or state that"
            f" a mask does not stop); it is with {', '.join(cls.PACKABLE)}"
        )

    def ready(self) -> PreTrainedModel:
        """The model.

        Raises:
            UserError: there is none, or it has fewer embeddings than the tokenizer has tokens.
        """
        if self.model is None:
            raise UserError("this student has tokens only; give it a model for losses and answers")
        rows = cast(nn.Embedding, self.model.get_input_embeddings()).weight.shape[0]
        if len(self.tokenizer) > rows:
            raise UserError(
                f"the tokenizer has {len(self.tokenizer)} tokens but the model embeds {rows}; "
                "use tokenizer=family, or init=scratch tokenizer=trained"
            )
        return self.model

    def generate(self, instructions: list[str], max_new_tokens: int, batch_size: int = 64) -> list[str]:
        """Greedy answers in the order of `instructions`, special tokens and outer blanks removed.

        Rows are sorted by length inside and only batched with rows that have the same `room`, so an
        answer never depends on its neighbours. Prompts are cut as in training, to `prompt_limit`.

        Raises:
            UserError: the student has no model, or an instruction leaves nothing to continue.
        """
        model = self.ready()
        limit = self.prompt_limit(max_new_tokens)
        prompts = [self.cut(prompt, limit) for prompt in self.encode_prompts(instructions)]
        if not all(prompts):
            raise UserError("an empty instruction leaves a bare prompt nothing to continue")
        rooms = [self.room(len(prompt), max_new_tokens) for prompt in prompts]
        # Longest first: if memory is short, it shows in the first batch.
        order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))
        answers = [""] * len(prompts)
        for room, group in groupby(order, key=lambda row: rooms[row]):
            rows = list(group)
            for first in range(0, len(rows), batch_size):
                chunk = rows[first : first + batch_size]
                texts = self.answer(model, [prompts[row] for row in chunk], room)
                for row, text in zip(chunk, texts, strict=True):
                    answers[row] = text
        return answers

    def answer(self, model: PreTrainedModel, prompts: list[list[int]], room: int) -> list[str]:
        """Greedy answers to one batch of prompt ids, at most `room` tokens each."""
        return [self.decode(row) for row in self.continued(model, prompts, room)]

    def continued(self, model: PreTrainedModel, prompts: list[list[int]], room: int) -> list[list[int]]:
        """The same as new ids: at most `room`, the end token and what follows it included."""
        ids_BT = torch.from_numpy(pad_rows(prompts, self.pad, self.padding_side))
        mask_BT = torch.from_numpy(length_mask(prompts, self.padding_side))
        with answering(model, self.greedy(room)), uncompiled(model):
            out_BT = cast(Any, model).generate(
                input_ids=ids_BT.to(model.device), attention_mask=mask_BT.to(model.device)
            )
        # Both kinds of output begin with what the student was given: prompt or decoder start.
        given = 1 if model.config.is_encoder_decoder else ids_BT.shape[1]
        rows: list[list[int]] = out_BT[:, given:].tolist()
        return rows

    def decode(self, ids: list[int]) -> str:
        """Text of an answer's ids up to the end token."""
        kept = ids[: ids.index(self.end)] if self.end in ids else ids
        text = self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(text).strip()

    def greedy(self, max_new_tokens: int) -> GenerationConfig:
        """The decoding of all answers, which an exported student carries too."""
        return GenerationConfig(
            do_sample=False,
            num_beams=1,
            max_new_tokens=max_new_tokens,
            eos_token_id=self.end,
            pad_token_id=self.pad,
            bos_token_id=self.tokenizer.bos_token_id,
        )


@contextmanager
def answering(model: PreTrainedModel, config: GenerationConfig) -> Iterator[None]:
    """Evaluation mode, no autograd, and `config` alone; all is put back.

    What a checkpoint ships (sampling, repetition penalties) would otherwise be merged into it. It is no
    inference mode: weights that a sharded model gathers in one could not be trained with afterwards.
    """
    training, shipped = model.training, model.generation_config
    model.eval()
    model.generation_config = config
    try:
        with torch.no_grad():
            yield
    finally:
        model.generation_config = shipped
        model.train(training)
