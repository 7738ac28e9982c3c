"""A table as the page shows it: values as people read them, marks behind them, and by what the page sorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lamini.analysis.tables import Cell, Column, shown
from lamini.comparison.blocks import Listing, Mark
from lamini.comparison.book.prose import phrase
from lamini.comparison.figures.drawing import ids

WIDE = 9  # columns, from which on a table is printed on a page of its own, across
TALL = 25  # rows, from which on a table scrolls in its box
SHORT, LONG = 12, 44  # signs of a first cell that never breaks, and of one that does even where there is room
BRIEF, TEXT = 24, 48  # signs of another text that never breaks, and of one that gets a broad column
FEW = 4  # meanings of one sign that are listed below the table without unfolding


@dataclass(frozen=True)
class Head:
    """One column's heading."""

    name: str
    number: bool


@dataclass(frozen=True)
class Value:
    """One cell. `exact` is what the page sorts by and saves, where that is not the text."""

    text: str
    number: bool
    exact: str
    mark: Mark | None

    @property
    def look(self) -> str:
        """Class of the cell: a number, a text that never breaks, or one that wants room."""
        if self.number:
            return "n"
        return "s" if len(self.text) <= BRIEF else "l" if len(self.text) > TEXT else ""


@dataclass(frozen=True)
class Line:
    """One row: members as words without HTML's signs, and the place of the family in the palette."""

    members: str
    family: int | None
    values: list[Value]

    @property
    def look(self) -> str:
        """Classes of the first cell: its length decides where it may break, the family its dot."""
        length = len(self.values[0].text)
        kinds = ["long"] if length > LONG else ["name"] if length > SHORT else []
        return " ".join(kinds + ([] if self.family is None else ["own", f"f{self.family}"]))


@dataclass(frozen=True)
class Meaning:
    """A sign, and what it means at the cells that have it."""

    sign: str
    meanings: list[str]

    @property
    def many(self) -> bool:
        """Whether they are folded."""
        return len(self.meanings) > FEW


@dataclass(frozen=True)
class Shown:
    """A table."""

    name: str
    title: str
    heads: list[Head]
    lines: list[Line]
    meanings: list[Meaning]
    notes: list[Markup]
    sortable: bool

    @property
    def wide(self) -> bool:
        """Too many columns for a sheet of paper upright."""
        return len(self.heads) > WIDE

    @property
    def tall(self) -> bool:
        """Too many rows for a screen."""
        return len(self.lines) > TALL


def listing(block: Listing, families: Mapping[str, int]) -> Shown:
    """What the template needs; `families` is member's key -> place of its family in the palette."""
    table = block.table
    numbers = [bool(column.shown) for column in table.columns]
    owners = block.rows or [""] * len(table.rows)
    lines = [
        _line(number, row, owner, block, families)
        for number, (row, owner) in enumerate(zip(table.rows, owners, strict=True))
    ]
    return Shown(
        name=table.name,
        title=table.title,
        heads=[Head(c.name, number) for c, number in zip(table.columns, numbers, strict=True)],
        lines=lines,
        meanings=_meanings(block.marks),
        notes=[phrase(note) for note in table.notes],
        sortable=block.sortable and len(lines) > 1,
    )


def _line(number: int, row: Sequence[Cell], owner: str, block: Listing, families: Mapping[str, int]) -> Line:
    values = [
        _value(cell, column, block.marks.get((number, place)))
        for place, (cell, column) in enumerate(zip(row, block.table.columns, strict=True))
    ]
    own = {families[key] for key in owner.split("\n") if key in families}
    return Line(ids(owner), own.pop() if len(own) == 1 else None, values)


def _value(cell: Cell, column: Column, mark: Mark | None) -> Value:
    text = shown(cell, column)
    number = isinstance(cell, int | float)
    exact = f"{cell:.12g}" if number else ""
    return Value(text, number or bool(column.shown), "" if exact == text else exact, mark)


def _meanings(marks: Mapping[tuple[int, int], Mark]) -> list[Meaning]:
    """Every sign of a table once, in the order of the cells."""
    found: dict[str, dict[str, None]] = {}
    for where in sorted(marks):
        found.setdefault(marks[where].sign, {})[marks[where].meaning] = None
    return [Meaning(sign, list(meanings)) for sign, meanings in found.items()]
