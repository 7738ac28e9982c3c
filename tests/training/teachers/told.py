"""Tokens of a few pairs in two sources, and a teacher that counts how often it is asked."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from lamini.data.cache import encode_table
from lamini.data.records import Pair, table
from lamini.data.tokens import Tokens
from lamini.students.protocol import Batch, Student
from tests.students import tiny
from tests.training.objectives import toys


def tokens_of(student: Student, cache: Path) -> Tokens:
    """Two parts, of five and of three rows."""
    tables = [table(Pair(*pair, "toy") for pair in part) for part in (tiny.PAIRS[:5], tiny.PAIRS[5:])]
    parts = [encode_table(student, part, cache) for part in tables]
    return Tokens.join(parts, [part.num_rows for part in tables])


class Counted:
    """Loads a teacher; counts loads and forward passes."""

    def __init__(self, student: Student) -> None:
        self.teacher, self.loads, self.passes = toys.teacher_of(student), 0, 0
        original = self.teacher.responses

        def responses(batch: Batch) -> tuple[Tensor, Tensor]:
            self.passes += 1
            return original(batch)

        self.teacher.responses = responses  # type: ignore[method-assign]

    def __call__(self) -> Student:
        self.loads += 1
        return self.teacher
