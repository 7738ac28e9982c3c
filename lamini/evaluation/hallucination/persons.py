"""Verdicts by people: the answers go out as Parquet, a file of verdicts comes back.

Out: <student>/evaluation/<suite>.parquet, one row an answer, laid out as by suite=answers, with the category.
Back: suite.verdicts=<file> (jsonl, json, csv, parquet) with the columns student, instruction_id, verdict; a
column `response`, where there is one, must hold the answer as it is now: a verdict belongs to an answer, not
to a student. Rows of students that are not scored now are left alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.verdicts import VERDICTS, verdict_in
from lamini.runs import write_atomically

KEY = "suite.verdicts"
COLUMNS = ("student", "instruction_id", "verdict")


@dataclass(frozen=True, slots=True)
class Given:
    """A person's verdict, and the answer it was given on where the file says."""

    verdict: str
    response: str | None
    line: int


Verdicts = dict[str, dict[str, Given]]
"""student -> instruction id -> verdict"""


def read(path: str) -> Verdicts:
    """All verdicts of a file.

    Raises:
        UserError: file or column missing, a verdict that is none, two on one answer.
    """
    from lamini.data.readers import items

    found: Verdicts = {}
    for line, record in items(path, KEY):
        student, number, word = _cells(record, line, path)
        verdict = verdict_in(word)
        if verdict is None:
            raise UserError(f"{KEY}={path}, row {line}: verdict {word!r} is none of {' and '.join(VERDICTS)}")
        there = found.setdefault(student, {})
        if number in there:
            raise UserError(
                f"{KEY}={path}, row {line}: {student} has a verdict on {number} in row"
                f" {there[number].line}; keep one for each answer"
            )
        response = record.get("response")
        there[number] = Given(verdict, response if isinstance(response, str) else None, line)
    if not found:
        raise UserError(f"{KEY}={path} has no verdict in it")
    return found


def check(path: str, students: Sequence[str], questions: Sequence[Question] | None) -> None:
    """Raise UserError for a file of other or namesake students, or (if known already) of other questions."""
    verdicts = read(path)
    if not set(verdicts) & set(students):
        raise UserError(
            f"{KEY}={path} judges {', '.join(sorted(verdicts))}; none of them is scored here"
            f" ({', '.join(students)})"
        )
    if twice := next((name for name in verdicts if list(students).count(name) > 1), None):
        raise UserError(
            f"{KEY}={path} judges {twice}, and two students are called so; score their herds with two lines"
        )
    if questions is not None:
        for student in students:
            _known(path, verdicts.get(student, {}), questions)


def verdicts_on(
    path: str, student: str, questions: Sequence[Question], answers: Sequence[str]
) -> list[str | None]:
    """The verdict on each answer of a student; None where people gave none.

    Raises:
        UserError: as `read`; a question that was not asked; a verdict on another answer than this one.
    """
    given = read(path).get(student, {})
    _known(path, given, questions)
    found: list[str | None] = []
    for question, answer in zip(questions, answers, strict=True):
        one = given.get(question.id)
        if one is not None and one.response is not None and one.response.strip() != answer.strip():
            raise UserError(
                f"{KEY}={path}, row {one.line}: {student} answers {question.id} otherwise now; judge the new"
                " answers, or leave the column response out if you know better"
            )
        found.append(one.verdict if one is not None else None)
    return found


def write_answers(
    path: Path, student: str, model: str, questions: Sequence[Question], answers: Sequence[str], decoding: str
) -> None:
    """The answers for people who judge them.

    Raises:
        UserError: the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "student": pa.array([student] * len(answers), pa.string()),
            "source": pa.array(["student"] * len(answers), pa.string()),
            "instruction_id": pa.array([question.id for question in questions], pa.string()),
            "category": pa.array([question.category for question in questions], pa.string()),
            "instruction": pa.array([question.text for question in questions], pa.string()),
            "response": pa.array(list(answers), pa.string()),
            "decoding": pa.array([decoding] * len(answers), pa.string()),
            "model": pa.array([model] * len(answers), pa.string()),
        }
    )
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomically(path, buffer.getvalue())


def _known(path: str, given: dict[str, Given], questions: Sequence[Question]) -> None:
    ids = [question.id for question in questions]
    if unknown := next((number for number in given if number not in set(ids)), None):
        close = difflib.get_close_matches(unknown, ids, n=1)
        hint = f"; did you mean {close[0]}?" if close else f"; there are {ids[0]} to {ids[-1]}"
        raise UserError(f"{KEY}={path}, row {given[unknown].line}: {unknown} is none of the questions{hint}")


def _cells(record: Any, line: int, path: str) -> list[str]:
    if not isinstance(record, dict):
        raise UserError(f"{KEY}={path}, row {line}: {getattr(record, 'reason', 'no object with columns')}")
    cells = []
    for name in COLUMNS:
        if name not in record:
            close = difflib.get_close_matches(name, [str(column) for column in record], n=1)
            hint = f"; did you mean {close[0]!r}? Rename it to {name}" if close else ""
            there = ", ".join(map(str, record)) or "none"
            raise UserError(f"{KEY}={path}, row {line}: no column {name}, it has {there}{hint}")
        value = record[name]
        if value is None or not str(value).strip():
            raise UserError(f"{KEY}={path}, row {line}: {name} is empty")
        cells.append(str(value).strip())
    return cells
