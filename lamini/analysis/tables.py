"""A table once, written as Markdown for people and as CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A heading, and how its values are shown in Markdown: a format such as `,d` or `.1%`; "" is text."""

    name: str
    shown: str = ""


@dataclass(frozen=True)
class Table:
    """`name` is that of its files. Notes stand below it in Markdown."""

    name: str
    title: str
    columns: list[Column]
    rows: Sequence[Sequence[Cell]]
    notes: list[str] = field(default_factory=list)


def markdown(table: Table) -> str:
    """The table with its notes, numbers to the right, without its title; None is an empty cell.

    Columns `set` and `share` (.1%) with the row `a|b`, 0.5: `| a\\|b | 50.0% |`.
    """
    lines = [[column.name for column in table.columns], ["---:" if c.shown else "---" for c in table.columns]]
    lines += [
        [_escaped(shown(cell, c)) for cell, c in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([text, *table.notes])


def shown(cell: Cell, column: Column) -> str:
    """A value as people read it; texts as they are."""
    if cell is None:
        return ""
    return str(cell) if isinstance(cell, str) or not column.shown else format(cell, column.shown)


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def comma_separated(table: Table) -> str:
    """The table with the unrounded numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows(table.rows)
    return text.getvalue()
