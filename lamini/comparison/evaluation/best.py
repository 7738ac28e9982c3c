"""The best student of each size: by the mean over tasks, and where nothing was scored by bits a byte."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import comparable, scores
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.replicates import Row, Spread, rows, spread

BOUNDS = (10**5, 10**6, 10**7, 10**8, 3 * 10**8, 10**9, 3 * 10**9)
NAMES = (
    "below 100K", "100K to 1M", "1M to 10M", "10M to 100M", "100M to 300M", "300M to 1B", "1B to 3B",
    "3B and more",
)  # fmt: skip
"""Sizes that compete: the paper's herd falls into five of them, the embedded one into the smaller."""

Number = Callable[[Member], float | None]


def size_class(parameters: int) -> str:
    """The name of the class that a student competes in.

    >>> size_class(77_000_000), size_class(10**9)
    ('10M to 100M', '1B to 3B')
    """
    return NAMES[bisect_right(BOUNDS, parameters)]


def best(herd: Herd) -> Table:
    """What is compared, the size, its best with the interval over seeds, and how far behind the next is."""
    columns = [
        Column("by"), Column("size"), Column("students", "d"), Column("best"), Column("score", ".2f"),
        Column("from", ".2f"), Column("to", ".2f"), Column("next"), Column("ahead by", ".2f"),
    ]  # fmt: skip
    found: list[Sequence[Cell]] = []
    for label, members, number, sign in _contests(herd):
        found += [[label, *cells] for cells in _winners(members, number, sign)]
    notes = ["Which differences are more than luck: chapter Automatic evaluation."]
    if any(row[5] is not None for row in found):
        notes.append(
            "Runs that differ by their seed alone compete as one, by their mean; from and to: its 95 %"
            " interval over seeds."
        )
    else:
        del columns[5:7]
        found = [[*row[:5], *row[7:]] for row in found]
    return Table("best", "Best of each size", columns, found, notes)


def _contests(herd: Herd) -> Iterator[tuple[str, Sequence[Member], Number, int]]:
    """What is compared by which number, and whether more (1) or less (-1) is better."""
    suites = scores.benchmarks(herd.members)
    for suite in suites:
        for group in comparable.groups(herd.members, suite):
            told = f"{suite}, mean of {len(group.tasks)} task{'s' * (len(group.tasks) > 1)}"
            told += f" ({group.reason})" if group.reason else ""
            yield told, group.members, partial(scores.mean, suite=suite), 1
    data = dict.fromkeys(member.data for member in herd.members if member.kind is Kind.run and member.data)
    if not suites:
        for fingerprint in data:
            own = [member for member in herd.members if member.data == fingerprint]
            yield f"bits/byte on data {fingerprint[:8]}, less is better", own, _bits, -1


def _bits(member: Member) -> float | None:
    found = member.record.get("validation_bits_per_byte")
    return None if found is None or member.status != "done" else float(found)


def _winners(members: Sequence[Member], number: Number, sign: int) -> Iterator[list[Cell]]:
    """One line a size class, the smallest first."""
    classes: dict[str, list[tuple[Row, Spread]]] = {}
    for row in rows([member for member in members if member.parameters]):
        found = spread(row, number)
        if found is not None:
            classes.setdefault(size_class(row.members[0].parameters or 0), []).append((row, found))
    for name in NAMES:
        ranked = sorted(classes.get(name, []), key=lambda one: -sign * one[1].mean)
        if ranked:
            first, second = ranked[0], ranked[1] if len(ranked) > 1 else None
            yield [
                name, len(ranked), first[0].key, first[1].mean, first[1].low, first[1].high,
                second[0].key if second else "",
                sign * (first[1].mean - second[1].mean) if second else None,
            ]  # fmt: skip
