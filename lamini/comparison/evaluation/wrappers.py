"""Students that were also asked in another wrapper (wrapper=both): what the text around a task is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import scores
from lamini.comparison.blocks import Block, Listing, Mark, Where
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.differences import MEAN, Difference
from lamini.comparison.herd import Member


def in_other_wrappers(
    members: Sequence[Member], suite: str, tasks: Mapping[str, str], name: str
) -> Iterator[Block]:
    """The other wrapper less the main one, by task; nothing where no member has another."""
    lines: list[Sequence[Cell]] = []
    owners: list[str] = []
    found: list[dict[str, Difference]] = []
    for member in members:
        for wrapper in member.suites[suite].get("others", {}):
            own = _differences(member, suite, wrapper)
            main = str(member.suites[suite]["wrapper"])
            means = [scores.mean(member, suite), scores.mean(member, suite, wrapper=wrapper)]
            values = [own[task].value if task in own else None for task in (MEAN, *tasks)]
            lines.append([member.key, main, wrapper, *means, *values])
            owners.append(member.key)
            found.append(own)
    if not lines:
        return
    columns = [Column("student"), Column("as trained"), Column("other"), Column("mean", ".1f")]
    columns += [Column("in the other", ".1f"), Column("difference", "+.1f")]
    columns += [Column(label, "+.1f") for label in tasks.values()]
    stars = differences.starred(found)
    marks: dict[Where, Mark] = {
        (place, 5 + number): differences.SIGNIFICANT
        for place, starred in enumerate(stars)
        for number, task in enumerate((MEAN, *tasks))
        if task in starred
    }
    notes = ["The other wrapper less the one of training, in points.", differences.note(found)]
    yield Listing(Table(name, f"In another wrapper: {suite}", columns, lines, notes), marks, owners)


def _differences(member: Member, suite: str, wrapper: str) -> dict[str, Difference]:
    """As evaluate.py tested them on the same rows, else the plain difference without a test."""
    kept = scores.part(member, suite, wrapper).get("difference") or {}
    found = {
        task: Difference(100 * one["value"], 100 * one["stderr"], one["p"], "rows")
        for task, one in kept.items()
    }
    for task in scores.columns(member, suite, wrapper):
        main, other = (scores.score(member, suite, task, which) for which in (None, wrapper))
        if task not in found and main and other:
            found[task] = Difference(other.value - main.value)
    return found
