"""What is asked: our own forty questions, a file of yours, or the hub's set (paper App. H).

A question has a category; the paper has four of them with ten questions each: did_not_happen, far_future,
nonsense, obscure. Ours are written anew in the same categories, so that no student has met them.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamini.data import hub
from lamini.data.files import check as check_file
from lamini.errors import UserError
from lamini.students.locate import is_path

KEY = "suite.questions"
OURS = Path(__file__).with_name("questions.jsonl")
ROWS = "hallucination.jsonl"  # the hub's set in data_dir, where mode=prefetch puts it
COLUMNS = ("question", "category")
WAYS_OUT = f"have mode=prefetch put its rows into data_dir=<folder>, or ask ours with {KEY}=null"


@dataclass(frozen=True, slots=True)
class Question:
    """A question that nobody can answer; `id` is its category and number in it."""

    id: str
    text: str
    category: str


def check(questions: str | None, data_dir: str | None) -> list[Question] | None:
    """The questions, or None where the hub has to be asked for them first.

    Raises:
        UserError: file or set cannot be had, or a row is no question.
    """
    if (file := place_of(questions, data_dir)) is not None:
        return _from_file(*file)
    hub.check(str(questions), KEY, WAYS_OUT)
    return None


def load(questions: str | None, data_dir: str | None, limit: int | None = None) -> list[Question]:
    """The questions in their order, the first `limit` of them.

    Raises:
        UserError: as `check`.
    """
    if (file := place_of(questions, data_dir)) is not None:
        return _from_file(*file)[:limit]
    rows = hub.published(str(questions), KEY, WAYS_OUT)
    return read(enumerate(rows, start=1), f"{KEY}={questions}")[:limit]


def place_of(questions: str | None, data_dir: str | None) -> tuple[Path, str] | None:
    """The file that holds the questions and the key that named it; None where only the hub does.

    Raises:
        UserError: a file that is not there.
    """
    if questions is None:
        return OURS, KEY
    if is_path(questions) or Path(questions).expanduser().is_file():
        return check_file(questions, KEY), KEY
    if data_dir is None:
        return None
    for name in (ROWS, f"{ROWS}.gz"):
        file = Path(data_dir).expanduser() / name
        if file.is_file():
            return check_file(file, "data_dir"), "data_dir"
    raise UserError(
        f"data_dir={data_dir} has no {ROWS} with the rows of {questions} (columns question, category);"
        f" mode=prefetch fetches it; or name a file with {KEY}=<file>, or ask ours with {KEY}=null"
    )


def read(rows: Iterable[tuple[int, Any]], what: str) -> list[Question]:
    """Rows (line, record) as questions; `what` names their origin in errors.

    A row that is none stops the whole: a set with holes is another set, and two counts would not compare.

    Raises:
        UserError: no row, a missing column, a row without text, the same question twice.
    """
    found: list[Question] = []
    numbers: Counter[str] = Counter()
    lines: dict[str, int] = {}
    for line, record in rows:
        question, category = _cells(record, line, what)
        if question in lines:
            raise UserError(f"{what}, row {line}: the question of row {lines[question]} stands there again")
        lines[question] = line
        numbers[category] += 1
        found.append(Question(f"{category}-{numbers[category]}", question, category))
    if not found:
        raise UserError(f"{what} has no question in it")
    return found


def categories(questions: Sequence[Question]) -> list[str]:
    """The categories in order of first appearance."""
    return list(dict.fromkeys(question.category for question in questions))


def digest(questions: Sequence[Question]) -> str:
    """12 hex digits over ids and texts: which set was asked."""
    content = json.dumps([[question.id, question.text] for question in questions])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _from_file(file: Path, key: str) -> list[Question]:
    return read(_items(file, key), f"{key}={file}")


def _items(file: Path, key: str) -> Iterator[tuple[int, Any]]:
    from lamini.data.readers import items  # pyarrow: only where there is a file to read

    return items(file, key)


def _cells(record: Any, line: int, what: str) -> tuple[str, str]:
    """Question and category of a row."""
    if not isinstance(record, dict):
        reason = getattr(record, "reason", "no object with columns")
        raise UserError(f"{what}, row {line}: {reason}")
    cells = []
    for name in COLUMNS:
        if name not in record:
            raise UserError(f"{what}, row {line}: no column {name}{_near(name, record)}")
        text = record[name]
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{what}, row {line}: {name} is no text: {text!r}")
        if not _encodable(text):
            raise UserError(f"{what}, row {line}: {name} is not UTF-8")
        cells.append(text.strip())
    return cells[0], "_".join(cells[1].lower().replace("-", " ").split())


def _near(name: str, record: dict[Any, Any]) -> str:
    """The columns there are, and the one that may be meant."""
    there = [str(column) for column in record]
    folded = {column.strip().casefold(): column for column in there}
    close = difflib.get_close_matches(name, folded, n=1)
    hint = f"; did you mean {folded[close[0]]!r}? Rename it to {name}" if close else ""
    return f", it has {', '.join(there) or 'none'}{hint}"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
