"""What tables of rows share: whose a row is, in which order rows stand, and the signs at their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lamini.comparison.blocks import Listing, Mark, Where
from lamini.comparison.herd import Kind, Member
from lamini.comparison.replicates import Row
from lamini.comparison.size.series import tuned

SCRATCH = Mark("scratch", "began from random weights")
"""In words, since the star of these tables is a difference that chance does not explain."""


def owner(row: Row) -> str:
    """Keys of its members, as `Listing.rows` wants them."""
    return "\n".join(member.key for member in row.members)


def ordered(rows: Iterable[Row]) -> list[Row]:
    """By family and size, each untuned model before what was made of it; the paper's as they are printed."""
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[bool, str, int, bool, str]:
    member = row.members[0]
    if member.kind is Kind.published:
        return True, "", 0, False, ""
    return False, member.family, member.parameters or 0, tuned(member), row.key


def scratch(rows: Sequence[Row]) -> dict[Where, Mark]:
    """The sign at the name of every row that began from random weights."""
    return {(place, 0): SCRATCH for place, row in enumerate(rows) if row.members[0].scratch}


def joined(marks: Iterable[tuple[Where, Mark]]) -> dict[Where, Mark]:
    """One mark a cell, of which there may be several: their signs and meanings one after the other."""
    found: dict[Where, Mark] = {}
    for where, mark in marks:
        old = found.get(where)
        found[where] = (
            mark if old is None else Mark(f"{old.sign} {mark.sign}", f"{old.meaning}; {mark.meaning}")
        )
    return found


def slim(listing: Listing, optional: Iterable[str]) -> Listing:
    """Without those of the optional columns that no row fills; marks move with their columns."""
    table, names = listing.table, set(optional)
    kept = [
        place
        for place, column in enumerate(table.columns)
        if column.name not in names or any(row[place] is not None for row in table.rows)
    ]
    columns, rows = [table.columns[place] for place in kept], [[row[n] for n in kept] for row in table.rows]
    marks = {(row, kept.index(place)): mark for (row, place), mark in listing.marks.items() if place in kept}
    return replace(listing, table=replace(table, columns=columns, rows=rows), marks=marks)


def code(name: str) -> str:
    """A user's name within our Markdown: nothing in it is read as such."""
    return f"`{' '.join(name.replace('`', chr(39)).split())}`"


def slug(*words: str) -> str:
    """A file's name: letters, digits and _ for the rest. `nlp15,limit=8` -> nlp15_limit_8."""
    return "_".join("".join(c if c.isalnum() else " " for c in " ".join(words)).lower().split())


def herd_of(members: Iterable[Member]) -> str:
    """The folder that a command names: that of the first run, else a place that stands for one."""
    runs = (member.folder.parent for member in members if member.kind is Kind.run and member.folder)
    return str(next(runs, "outputs/<name>"))
