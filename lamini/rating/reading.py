"""Answers from files, as evaluate.py leaves them or anybody else: whole, or refused in one sentence.

Columns: `student`, `instruction_id`, `instruction`, `response`; optionally `app` or `category`, and `error`,
which says why there is no response. A file holds all students (suite=answers) or one (suite=hallucination);
several files are one table.
"""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamini.data.files import check
from lamini.errors import UserError

KEY = "answers"
COLUMNS = ("student", "instruction_id", "instruction", "response")
GROUPS = ("app", "category")


@dataclass(frozen=True, slots=True)
class Answer:
    """One student's answer to one instruction."""

    student: str
    id: str  # of the instruction
    instruction: str
    response: str | None  # None: there is none, the student failed; "" is an answer
    group: str  # app or category of the instruction; "" where the file does not say


def places(answers: Any) -> list[Path]:
    """The files that `answers` names, in order.

    Raises:
        UserError: it names none, or one that is not there or cannot be read.
    """
    told = answers if isinstance(answers, list) else [answers]
    if not told or not all(isinstance(one, str) and one for one in told):
        raise UserError(f"{KEY}={answers} must name a file of answers, or several: {KEY}='[a,b]'")
    found: list[Path] = []
    for one in told:
        matching = sorted(glob.glob(str(Path(one).expanduser()))) if "*" in one else [one]
        if not matching:
            raise UserError(f"{KEY}={one} matches no file (looked from {Path.cwd()})")
        found += [check(path, KEY) for path in matching]
    return list(dict.fromkeys(found))


def read(files: Sequence[Path]) -> list[Answer]:
    """All answers of the files, in their order.

    Raises:
        UserError: no rows, a column that is missing, a cell that is no text, two answers of one student to
            one instruction, or two instructions with one id.
    """
    found: list[Answer] = []
    seen: dict[tuple[str, str], str] = {}
    asked: dict[str, str] = {}
    for file in files:
        for line, record in _rows(file):
            where = f"{KEY}={file}, row {line}"
            answer = _answer(record, where)
            if (answer.student, answer.id) in seen:
                raise UserError(
                    f"{where}: {answer.student} has an answer to {answer.id} in"
                    f" {seen[answer.student, answer.id]} already; keep one of each student"
                )
            if asked.setdefault(answer.id, answer.instruction) != answer.instruction:
                raise UserError(
                    f"{where}: another instruction has the instruction_id {answer.id}; ids tell them apart"
                )
            seen[answer.student, answer.id] = f"{file}, row {line}"
            found.append(answer)
    if not found:
        names = ", ".join(map(str, files))
        raise UserError(f"{KEY}={names} has no rows; evaluate.py suite=answers collects some")
    return found


def _rows(file: Path) -> Iterator[tuple[int, Any]]:
    from lamini.data.readers import items

    return items(file, KEY)


def _answer(record: Any, where: str) -> Answer:
    if not isinstance(record, dict):
        raise UserError(f"{where}: {getattr(record, 'reason', 'no object with columns')}")
    student, id, instruction = (_text(record, name, where) for name in COLUMNS[:3])
    for name, text in zip(COLUMNS, (student, id, instruction), strict=False):
        if not text.strip():
            raise UserError(f"{where}: {name} is empty")
    response = None if record.get("error") else _text(record, "response", where)
    group = next((str(record[name]) for name in GROUPS if record.get(name)), "")
    return Answer(student, id, instruction, response, group)


def _text(record: dict[str, Any], name: str, where: str) -> str:
    if name not in record:
        there = [str(column) for column in record]
        close = difflib.get_close_matches(name, there, n=1)
        hint = f"did you mean {close[0]}? Rename it" if close else f"needed are {', '.join(COLUMNS)}"
        raise UserError(f"{where}: no column {name}, it has {', '.join(there) or 'none'}; {hint}")
    value = record[name]
    if name == "instruction_id" and isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise UserError(f"{where}: {name} is {'empty' if value is None else 'no text'}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UserError(f"{where}: {name} is not UTF-8") from None
    return value
