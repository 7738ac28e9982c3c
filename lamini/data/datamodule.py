"""The Lightning data module: one item is one optimizer step, made of micro-batches.

Lightning cannot resume in the middle of an epoch of its own, so there is only one: its length is
the number of steps of the whole run, and an item is a pure function of its step number. A resumed
run starts at `trainer.global_step` and sees exactly what it would have seen.

The trainer needs `use_distributed_sampler=False`: ranks are divided here, by micro-batches.

Suffixes: B or N pairs of a step, M pairs of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from lamini.data.batches import MicroBatch, padded
from lamini.data.batching import Batching
from lamini.data.order import Order
from lamini.data.tokens import Tokens

if TYPE_CHECKING:
    from lamini.students.protocol import Batch, Student


@dataclass
class Step:
    """What one optimizer step (or one piece of the validation) computes on.

    `micro_batches` are this rank's; the counts are those of the whole step over all ranks, so that
    `response_tokens` is what the summed loss is divided by. `positions` are the real ones that the
    model computes (a decoder-only student never computes the end token), `padded_positions` all, and
    `prompt_N` and `response_N` the lengths of the pairs, which say how many operations they need.
    """

    micro_batches: list[Batch]
    response_tokens: int
    positions: int
    padded_positions: int
    pairs: int
    prompt_N: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    response_N: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def to(self, device: torch.device | str, **kwargs: Any) -> Step:
        """A copy on the device; Lightning calls this to move an item."""
        kwargs.setdefault("non_blocking", True)  # from pinned memory; from any other it waits all the same
        moved = [
            {name: tensor.to(device, **kwargs) for name, tensor in batch.items()}
            for batch in self.micro_batches
        ]
        return replace(self, micro_batches=moved)

    def pin_memory(self) -> Step:
        """A copy in memory that a CUDA device reads by itself; the DataLoader calls this."""
        pinned = [{name: x.pin_memory() for name, x in batch.items()} for batch in self.micro_batches]
        return replace(self, micro_batches=pinned)


Extras = Callable[[np.ndarray], "Batch"]
"""Row numbers of a micro-batch's pairs, in their order -> tensors that it carries beside the student's."""


def make_step(
    student: Student,
    tokens: Tokens,
    plan: list[MicroBatch],
    devices: int = 1,
    rank: int = 0,
    extras: Extras | None = None,
) -> Step:
    """Collate this rank's share of a plan, whose rows hold row numbers of `tokens`."""
    every_N = np.concatenate([row for rows in plan for row in rows])
    real, computed = np.sum([_positions(student, tokens, rows) for rows in plan], axis=0).tolist()
    mine = [_collated(student, tokens, rows) for rows in plan[rank::devices]]
    if extras is not None:
        pairs = (np.concatenate(rows) for rows in plan[rank::devices])
        mine = [batch | extras(pairs_M) for batch, pairs_M in zip(mine, pairs, strict=True)]
    return Step(
        micro_batches=mine,
        response_tokens=int(tokens.response_lengths_N[every_N].sum()),
        positions=real,
        padded_positions=computed,
        pairs=len(every_N),
        prompt_N=tokens.prompt_lengths_N[every_N],
        response_N=tokens.response_lengths_N[every_N],
    )


def _collated(student: Student, tokens: Tokens, rows: MicroBatch) -> Batch:
    """The tensors of a micro-batch; segments and their masks only where a row holds several pairs."""
    pairs_M, places = _numbered(rows)
    return student.collate(
        [tokens.prompt(pair) for pair in pairs_M.tolist()],
        [tokens.response(pair) for pair in pairs_M.tolist()],
        places if len(pairs_M) > len(rows) else None,
    )


def _positions(student: Student, tokens: Tokens, rows: MicroBatch) -> tuple[int, int]:
    """Real positions of a micro-batch, and all that it computes."""
    pairs_M, places = _numbered(rows)
    sides_MK = student.sides(tokens.prompt_lengths_N[pairs_M], tokens.response_lengths_N[pairs_M])
    return int(sides_MK.sum()), padded(sides_MK, places, student.width)


def _numbered(rows: MicroBatch) -> tuple[np.ndarray, MicroBatch]:
    """The pairs of all rows one after another (M,), and the same rows as places in that order.

    Rows [7, 3], [5] give [7, 3, 5] and [0, 1], [2].
    """
    pairs_M = np.concatenate(rows)
    return pairs_M, np.split(np.arange(len(pairs_M)), np.cumsum([len(row) for row in rows])[:-1])


class Steps(Dataset[Step]):
    """Items by number, each made by `make`."""

    def __init__(self, make: Callable[[int], Step], size: int) -> None:
        self._make = make
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, number: int) -> Step:
        return self._make(number)


class Onwards(Sampler[int]):
    """Numbers from `start()` to `size`.

    The length stays `size`: Lightning adds the steps of the checkpoint to those it fetches and
    ends when the sum reaches the length.
    """

    def __init__(self, start: Callable[[], int], size: int) -> None:
        self._start = start
        self._size = size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._start(), self._size))

    def __len__(self) -> int:
        return self._size


class PairsDataModule(pl.LightningDataModule):
    """Training steps from tokens and their order, validation by token budget.

    `batch_size` pairs make a step over all `devices`; `batching` cuts it into micro-batches of at most
    `micro_tokens` positions; `steps` is the length of the run. `validation` may be empty. `extras` adds
    to training micro-batches what an objective needs.
    """

    def __init__(
        self,
        student: Student,
        train: Tokens,
        order: Order,
        validation: Tokens,
        batching: Batching,
        batch_size: int,
        micro_tokens: int,
        steps: int,
        seed: int,
        devices: int = 1,
        rank: int = 0,
        num_workers: int = 0,
        extras: Extras | None = None,
    ) -> None:
        super().__init__()
        self.student = student
        self.train = train
        self.order = order
        self.validation = validation
        self.batching = batching
        self.batch_size = batch_size
        self.micro_tokens = micro_tokens
        self.steps = steps
        self.seed = seed
        self.devices = devices
        self.rank = rank
        self.num_workers = num_workers
        self.extras = extras

    def step(self, number: int) -> Step:
        """The optimizer step `number` (from 0) of this rank."""
        rows_B = self.order.rows(number, self.batch_size)
        plan = self._plan(self.train, rows_B, number)
        return make_step(self.student, self.train, plan, self.devices, self.rank, self.extras)

    def train_dataloader(self) -> DataLoader[Step]:
        """Steps from the trainer's global step to the last one."""
        steps = Steps(self.step, self.steps)
        onwards = Onwards(self._start, self.steps)
        return DataLoader(
            steps, batch_size=None, sampler=onwards, num_workers=self.num_workers,
            pin_memory=self.num_workers > 0 and torch.cuda.is_available(),
        )  # fmt: skip

    def val_dataloader(self) -> DataLoader[Step] | list[Any]:
        """The validation pairs, one micro-batch per device an item, the same every time."""
        if not len(self.validation):
            return []
        plan = self._plan(self.validation, np.arange(len(self.validation)), 0)

        def make(number: int) -> Step:
            part = plan[number * self.devices : (number + 1) * self.devices]
            return make_step(self.student, self.validation, part, self.devices, self.rank)

        return DataLoader(Steps(make, len(plan) // self.devices), batch_size=None)

    def _plan(self, tokens: Tokens, rows_B: np.ndarray, number: int) -> list[MicroBatch]:
        """Micro-batches of these rows, as row numbers of `tokens`."""
        sides_BK = self.student.sides(tokens.prompt_lengths_N[rows_B], tokens.response_lengths_N[rows_B])
        plan = self.batching.plan(sides_BK, self.micro_tokens, self.devices, (self.seed, number))
        return [[rows_B[row] for row in rows] for rows in plan]

    def _start(self) -> int:
        return self.trainer.global_step if self.trainer is not None else 0
