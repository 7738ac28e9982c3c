"""Who is best, and whom chance alone may keep from it: every student against the best one, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells, scores
from lamini.comparison.blocks import Block, Listing
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.differences import MEAN
from lamini.comparison.replicates import Row, spread

SHOWN = 20  # rows that are held against the best one; each costs thousands of resamples


def mean_of(row: Row, suite: str) -> float | None:
    """Over tasks, then over seeds."""
    found = spread(row, lambda member: scores.mean(member, suite))
    return found.mean if found else None


def ranked(rows: Sequence[Row], suite: str) -> list[Row]:
    """From the best mean down, those without one left out."""
    known = [(value, row) for row in rows if (value := mean_of(row, suite)) is not None]
    return [row for _, row in sorted(known, key=lambda one: -one[0])]


def best(
    rows: Sequence[Row], suite: str, tasks: Mapping[str, str], what: tuple[str, str], seed: int
) -> Iterator[Block]:
    """A table of the best row and those behind it; nothing where there is nobody to compare.

    `tasks` are columns with what they are called, `what` is the table's name and of what scores it is.
    """
    order = ranked(rows, suite)
    if len(order) < 2:
        return
    first, others = order[0], order[1 : SHOWN + 1]
    found = [differences.between(first, row, suite, seed) for row in others]
    stars = differences.starred(found)
    lines: list[Sequence[Cell]] = [[first.key, mean_of(first, suite), None, None, None, "best", None]]
    for row, own, marked in zip(others, found, stars, strict=True):
        one = own[MEAN]
        apart = [f"{label} {own[task].value:+.1f}" for task, label in tasks.items() if task in marked]
        verdict = "worse" if MEAN in marked else "not told apart" if one.p is not None else "not tested"
        lines.append([row.key, mean_of(row, suite), one.value, one.stderr, one.p, verdict, ", ".join(apart)])
    columns = [Column("student"), Column("mean", ".1f"), Column("to the best", "+.1f"), Column("±", ".1f")]
    columns += [Column("p", ".2g"), Column("verdict"), Column("tasks that differ")]
    notes = [f"{differences.note(found)} p is that of the mean before the correction."]
    if len(order) > SHOWN + 1:
        notes.append(f"The {SHOWN} that follow the best of {len(order)} are compared with it.")
    owners = [cells.owner(row) for row in [first, *others]]
    table = Table(what[0], f"Behind the best on {what[1]}", columns, lines, notes)
    yield Listing(table, cells.scratch([first, *others]), owners)
