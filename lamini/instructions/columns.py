"""From a row of somebody's file to a prompt: which columns, joined how.

A dotted path reaches into nested values, by name or by position: with `instances.0.input`, the row
`{"instances": [{"input": "b a"}]}` gives `b a`. A column whose own name has the dots wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamini.config import Columns
from lamini.instructions.templates import Template

MISSING = object()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt and the subset it belongs to."""

    text: str
    group: str


def reach(record: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, or MISSING.

    >>> reach({"instances": [{"input": "b a"}]}, "instances.0.input")
    'b a'
    """
    if path in record:
        return record[path]
    value: Any = record
    for step in path.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def prompt_of(record: Any, columns: Columns, template: Template) -> Prompt | str:
    """The prompt in a row, or the reason why there is none.

    >>> both = Columns(instruction="instruction", input="input", group=None)
    >>> prompt_of({"instruction": "Sort", "input": "b a"}, both, Template("{instruction}: {input}"))
    Prompt(text='Sort: b a', group='')
    """
    if not isinstance(record, dict):
        return "not an object"
    instruction = reach(record, columns.instruction)
    if instruction is MISSING or instruction is None:
        return f"missing {columns.instruction}"
    if not isinstance(instruction, str):
        return f"{columns.instruction} is not text"
    if not instruction.strip():
        return f"empty {columns.instruction}"
    extra = None if columns.input is None else reach(record, columns.input)
    if extra is MISSING or extra is None:
        extra = ""
    if not isinstance(extra, str):
        return f"{columns.input} is not text"
    group = "" if columns.group is None else reach(record, columns.group)
    if not isinstance(group, str | int):
        return f"missing {columns.group}"
    text = template.fill(instruction=instruction, input=extra) if extra.strip() else instruction
    return Prompt(text, str(group)) if _encodable(f"{text}{group}") else "not UTF-8"


def _encodable(text: str) -> bool:
    """False for lone surrogates: bytes that were no UTF-8, or a broken JSON escape."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
