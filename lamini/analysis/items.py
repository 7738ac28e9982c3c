"""Test items of evaluation tasks: one file a task, and which text of an item is looked for (tasks.yaml)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lamini.errors import UserError

KEY = "contamination.tasks"
ENDINGS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Item:
    """One test item: its 0-based row in the task's file, and the texts that are looked for."""

    task: str
    row: int
    texts: tuple[str, ...]


def files(folder: str) -> dict[str, Path]:
    """Task -> its file, in alphabetical order.

    Raises:
        UserError: no such folder, no file of items in it, or two files of one task.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise UserError(f"{KEY}={folder} is no folder; it needs one <task>.jsonl or <task>.jsonl.gz a task")
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir()):
        if path.is_file() and path.name.endswith(ENDINGS):
            task = path.name.split(".jsonl")[0]
            if task in found:
                raise UserError(f"{KEY}={folder} holds {task} twice: {found[task].name} and {path.name}")
            found[task] = path
    if not found:
        raise UserError(f"{KEY}={folder} holds no <task>.jsonl or <task>.jsonl.gz")
    return found


def digest(found: dict[str, Path]) -> str:
    """16 hex digits that name the content of the files."""
    whole = hashlib.blake2b(digest_size=8)
    for task, path in found.items():
        whole.update(f"{task}:{path.stat().st_size}:".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def read(task: str, path: Path) -> list[Item]:
    """All items of a task.

    Raises:
        UserError: a line is no JSON object, a column that tasks.yaml names is missing, or there is no text.
    """
    items = [
        Item(task, row, tuple(texts(record, task, f"{path}, line {row + 1}")))
        for row, record in _records(path)
    ]
    if not any(item.texts for item in items):
        raise UserError(f"{KEY}: {path} has no item with text")
    return items


def texts(record: dict[str, Any], task: str, where: str = "") -> Iterator[str]:
    """The texts of one item that are looked for.

    {"sentence": "Ann met Bo, so _ left", "option1": "Ann", "option2": "Bo"} of winogrande gives three: as
    it is, with Ann and with Bo in the blank. Of an unknown task, every column of text.
    """
    known = _mapping().get(task)
    if known is None:
        yield from (value for value in record.values() if isinstance(value, str))
        return
    for field in known["fields"]:
        for text in _at(record, field, where):
            yield text
            for option in known.get("options", ()):
                yield from (text.replace(known["blank"], filled, 1) for filled in _at(record, option, where))


def _at(record: Any, field: str, where: str) -> list[str]:
    """The text or texts under a dotted path."""
    value = record
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            raise UserError(f"{KEY}: {where} has no column {field}; it has {', '.join(map(str, record))}")
        value = value[name]
    return [str(text) for text in (value if isinstance(value, list) else [value])]


@lru_cache
def _mapping() -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = yaml.safe_load(
        Path(__file__).with_name("tasks.yaml").read_text("utf-8")
    )
    return known


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    from lamini.data.readers import Malformed, items  # imports pyarrow, which a check does not need

    for row, (line, record) in enumerate(items(path, KEY, override="jsonl")):
        if not isinstance(record, dict):
            why = record.reason if isinstance(record, Malformed) else "not an object"
            raise UserError(
                f"{KEY}: {path} is no intact file of JSON objects, one a line: line {line}, {why}"
            )
        yield row, record
