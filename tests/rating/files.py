"""Answers as files: small ones, and those of four real systems to the paper's 114 instructions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.evaluation.answers import collecting, table
from tests.data.toys import shared_data
from tests.evaluation import exported
from tests.evaluation.answers.test_finished import SYSTEMS

STUDENTS = ("a", "b", "c")


def row(student: str, number: int, **cells: Any) -> dict[str, Any]:
    """What `student` answered to instruction t<number>, as evaluate.py suite=answers writes it."""
    return {
        "student": student, "source": "student", "instruction_id": f"t{number}", "app": f"app {number % 2}",
        "instruction": f"Name {number} colours.", "response": f"{student} says {number}", "decoding": "{}",
        "model": student, "error": None, **cells,
    }  # fmt: skip


def rows(students: Sequence[str] = STUDENTS, count: int = 4) -> list[dict[str, Any]]:
    """All answers of these students to `count` instructions."""
    return [row(student, number) for student in students for number in range(count)]


def parquet(path: Path, found: Sequence[dict[str, Any]] | None = None) -> Path:
    """A joined file of answers, as evaluate.py leaves it."""
    table.write(path, rows() if found is None else found, "digest")
    return path


def real(place: Path, suite: str = "answers114") -> Path:
    """The answers of four real systems to the paper's 114 instructions, or all 252 with `answers`."""
    data = shared_data()
    add = ", ".join(f"{name}: {data / 'human_eval' / file}" for name, file in SYSTEMS.items())
    words = [f"suite={suite}", f"data_dir={data}", f"suite.add={{{add}}}"]
    config = exported.config(place, *words)
    collecting._beside.clear()  # each call is a line of its own
    return collecting.alone(config.suite, config)
