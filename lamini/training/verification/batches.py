"""One batch of the user's own pairs, computed in ways that must agree: loss and gradient, dropout off."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lamini.config import Init, TrainConfig
from lamini.students.protocol import Batch, Student
from lamini.training.prepare import Prepared

PAIRS = 8
TOLERANCE = 1e-5  # relative, fp32
NEAR = 0.5  # nats around ln(vocabulary)


@dataclass(frozen=True)
class Check:
    """One line of the table: a measured difference and what it may be."""

    run: str
    name: str
    difference: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the difference is small enough; NaN is not."""
        return self.difference <= self.allowed


def checks(name: str, config: TrainConfig, prepared: Prepared) -> Iterator[Check]:
    """The checks of the student in `prepared`, which has a model; they are called `name`."""
    student = prepared.student
    student.ready().eval()
    rows = prepared.order.rows(0, min(PAIRS, prepared.pairs)).tolist()
    whole = collated(student, prepared, rows)
    loss, gradient = computed(student, [whole])
    yield Check(name, "the same batch twice", relative(loss, computed(student, [whole])[0]), 0.0)
    yield _against(
        name, "padded together = each pair alone", student, loss, gradient,
        [collated(student, prepared, [row]) for row in rows],
    )  # fmt: skip
    half = len(rows) // 2 or 1
    parts = [rows[:half], rows[half:]] if len(rows) > 1 else [rows]
    yield _against(
        name, "two micro-batches = one", student, loss, gradient,
        [collated(student, prepared, part) for part in parts],
    )  # fmt: skip
    if student.packing_obstacle(config.family.model_type) is None:
        packed = [collated(student, prepared, rows, [list(range(len(rows)))])]
        yield _against(name, "packed = unpacked", student, loss, gradient, packed)
    with plain_head(student):
        yield _against(name, "chunked loss = plain loss", student, loss, gradient, [whole])
    if config.init is Init.scratch:
        tokens = int((whole["labels"] >= 0).sum())
        first = float(loss / tokens) - math.log(student.ready().config.vocab_size)
        yield Check(name, "first loss = ln(vocabulary)", abs(first), NEAR)


@contextmanager
def plain_head(student: Student) -> Iterator[None]:
    """All logits of a batch at once, as torch would."""
    way, student.head_loss = student.head_loss, "plain"
    try:
        yield
    finally:
        student.head_loss = way


def _against(
    run: str, name: str, student: Student, loss: Tensor, gradient: Tensor, batches: list[Batch]
) -> Check:
    """The larger one of the relative distances of loss and gradient."""
    other, its = computed(student, batches)
    distance = float((gradient - its).norm() / gradient.norm())
    return Check(run, name, float(np.max([relative(loss, other), distance])), TOLERANCE)


def collated(
    student: Student, prepared: Prepared, rows: list[int], packed: list[list[int]] | None = None
) -> Batch:
    """These rows of the training tokens as a batch on the model's device."""
    prompts = [prepared.train.prompt(row) for row in rows]
    responses = [prepared.train.response(row) for row in rows]
    batch = student.collate(prompts, responses, packed)
    return {name: tensor.to(student.ready().device) for name, tensor in batch.items()}


def computed(student: Student, batches: list[Batch]) -> tuple[Tensor, Tensor]:
    """Summed loss of the batches, and its gradient as one vector."""
    model = student.ready()
    model.zero_grad()
    total = torch.zeros((), dtype=torch.float64)
    for batch in batches:
        loss, _ = student.loss(batch)
        loss.backward()
        total += loss.detach().cpu().double()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    return total, torch.cat(gradients)


def relative(left: Tensor, right: Tensor) -> float:
    """Distance of two numbers, relative to the first."""
    return float((left - right).abs() / left.abs())
