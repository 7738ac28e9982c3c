"""Answers that somebody else has collected already, taken in as those of one more student.

A file has `response` (or `output`) and `instruction`, with or without `input`, as the set has them; without
an instruction its `id` says which one was answered. Rows are found by text and not by position, so a file in
another order, or one of a larger set, serves as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.data.files import check
from lamini.data.readers import Malformed, items
from lamini.errors import UserError
from lamini.evaluation.answers.instructions import Item, Reason, joined
from lamini.evaluation.answers.table import Row
from lamini.instructions.templates import Template


def rows(name: str, path: str, set_: Sequence[Item], template: Template) -> list[Row]:
    """The answers of `name` to all instructions of the set, in its order.

    Raises:
        UserError: a row without answer or instruction, two answers to one instruction, or one without any.
    """
    key = f"suite.add.{name}"
    by_text: dict[str, list[Item]] = {}
    for item in set_:
        by_text.setdefault(item.text, []).append(item)
    by_id = {item.id: item for item in set_}
    found: dict[str, str] = {}
    for line, record in items(path, key):
        where = f"{key}={path}, row {line}"
        response = _response(record, where)
        for item in _asked(record, where, by_text, by_id, template):
            if found.setdefault(item.id, response) != response:
                raise UserError(f"{where}: a second answer to instruction {item.id}")
    missing = [item.id for item in set_ if item.id not in found]
    if missing:
        raise UserError(
            f"{key}={path} has no answer to {len(missing)} of the {len(set_)} instructions,"
            f" such as {missing[0]}"
        )
    return [_row(name, path, item, found[item.id]) for item in set_]


def check_files(add: dict[str, str]) -> None:
    """Raise UserError for files that are not there."""
    for name, path in add.items():
        check(path, f"suite.add.{name}")


def _response(record: Any, where: str) -> str:
    if isinstance(record, Malformed):
        raise UserError(f"{where}: {record.reason}")
    if not isinstance(record, dict):
        raise UserError(f"{where}: not an object")
    response = record.get("response", record.get("output"))
    if not isinstance(response, str):
        raise UserError(
            f"{where}: no text in the column response (or output); it has {', '.join(map(str, record))}"
        )
    return response.strip()


def _asked(
    record: dict[str, Any],
    where: str,
    by_text: dict[str, list[Item]],
    by_id: dict[str, Item],
    template: Template,
) -> list[Item]:
    """The instructions of the set that a row answers; none where it belongs to a larger set."""
    if "instruction" in record:
        text = joined(record, template)
        if isinstance(text, Reason):
            raise UserError(f"{where}: {text}")
        return by_text.get(text, [])
    if record.get("id") is None:
        raise UserError(f"{where}: neither instruction nor id says what was asked")
    item = by_id.get(str(record["id"]))
    return [item] if item else []


def _row(name: str, path: str, item: Item, response: str) -> Row:
    return {
        "student": name, "source": "file", "instruction_id": item.id, "app": item.app,
        "instruction": item.text, "response": response, "decoding": "{}", "model": Path(path).name,
    }  # fmt: skip
