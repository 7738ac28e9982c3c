"""`mode=verify`: on the user's own model and data, are the numbers what they claim to be?

Four properties that the training loop stands on, measured on the first pairs of the run in fp32 with dropout
off, printed as a table. More (packing, resume, two processes) join here as the engine learns them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from rich.table import Table
from torch import Tensor

from lamini.config import Init, TrainConfig
from lamini.report import console
from lamini.students.loading import build_model
from lamini.students.protocol import Batch, Student
from lamini.training.backends import set_backends
from lamini.training.devices import set_threads
from lamini.training.prepare import Prepared, prepare

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


def verify_all(configs: list[TrainConfig]) -> bool:
    """Check every student of the line, print the table, and say whether all held."""
    checks = [check for config in configs for check in verify(config)]
    table = Table(title="Verify", title_justify="left")
    for column in ("student", "check", "difference", "allowed", ""):
        table.add_column(column, justify="right" if column in {"difference", "allowed"} else "left")
    for check in checks:
        verdict = "holds" if check.holds else "[red]FAILS[/red]"
        table.add_row(check.run, check.name, f"{check.difference:.2e}", f"{check.allowed:.0e}", verdict)
    console().print(table)
    return all(check.holds for check in checks)


def verify(config: TrainConfig) -> list[Check]:
    """The checks of one student."""
    set_threads(config.trainer)
    prepared = prepare(config)
    torch.manual_seed(config.seed)
    student = prepared.student
    student.model = build_model(config, len(student.tokenizer)).eval()
    set_backends(student, config.trainer)
    rows = prepared.order.rows(0, min(PAIRS, prepared.pairs)).tolist()
    whole = _collated(student, prepared, rows)
    half = len(rows) // 2 or 1
    parts = [_collated(student, prepared, rows[:half]), _collated(student, prepared, rows[half:])]
    alone = [_collated(student, prepared, [row]) for row in rows]
    with torch.no_grad():
        together, tokens = student.loss(whole)
        apart = sum(student.loss(batch)[0] for batch in alone)
        again, _ = student.loss(_collated(student, prepared, rows))
    name = f"{config.family.name}-{config.size.name}"
    checks = [
        Check(name, "the same batch twice", _relative(together, again), 0.0),
        Check(name, "padded together = each pair alone", _relative(together, apart), TOLERANCE),
        Check(
            name,
            "gradient of two micro-batches = of one",
            _gradients(student, [whole], parts),
            TOLERANCE,
        ),
    ]
    if config.init is Init.scratch:
        first = float(together / tokens) - math.log(student.ready().config.vocab_size)
        checks.append(Check(name, "first loss = ln(vocabulary)", abs(first), NEAR))
    return checks


def _collated(student: Student, prepared: Prepared, rows: list[int]) -> Batch:
    return student.collate(
        [prepared.train.prompt(r) for r in rows], [prepared.train.response(r) for r in rows]
    )


def _gradients(student: Student, left: list[Batch], right: list[Batch]) -> float:
    """Relative distance of the gradients that two ways to cut a step give."""
    one, two = _gradient(student, left), _gradient(student, right)
    return float((one - two).norm() / one.norm())


def _gradient(student: Student, batches: list[Batch]) -> Tensor:
    model = student.ready()
    model.zero_grad()
    for batch in batches:
        student.loss(batch)[0].backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def _relative(left: Tensor, right: Tensor | int) -> float:
    return float((left - right).abs() / left.abs())
