"""The herd at a glance: every student in one table, the best of each size, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import comparable, scores
from lamini.comparison.blocks import Block, Chapter, Listing, Mark, Missing, Text, Where
from lamini.comparison.cells import SCRATCH
from lamini.comparison.evaluation.best import best
from lamini.comparison.evaluation.standing import standing
from lamini.comparison.herd import Herd, Kind, Member


@dataclass(frozen=True)
class Field:
    """A column of the herd's table; it is left out where no member has a value."""

    column: Column
    of: Callable[[Member], Cell]


def chapter(herd: Herd) -> Chapter:
    """First in the book."""
    blocks: list[Block] = [Text(facts(herd)), listing(herd)]
    drawing = standing(herd)
    blocks += [drawing] if drawing else []
    found = best(herd)
    if found.rows:
        blocks.append(Listing(found))
    else:
        blocks.append(Missing("The best of each size", "python evaluate.py students=<herd> suite=nlp15"))
    failures = failed(herd)
    blocks.append(Listing(failures) if failures.rows else Text("Nothing failed, and nothing was left out."))
    return Chapter("overview", "Overview", blocks)


def facts(herd: Herd) -> str:
    """What is in the book, as sentences."""
    kinds = Counter(member.kind for member in herd.members)
    named = {
        Kind.run: "runs of train.py",
        Kind.model: "models that were only scored",
        Kind.published: "of the paper",
    }
    told = [f"{kinds[kind]:,} {what}" for kind, what in named.items() if kinds[kind]]
    families = {member.family for member in herd.members}
    lines = [
        f"{len(herd.members):,} students ({', '.join(told)}) of {len(families)} families."
        if herd.members
        else "There is no student."
    ]
    data = {member.data for member in herd.members if member.data}
    if len(data) > 1:
        lines.append(
            f"They were trained on {len(data)} different sets of pairs, which the column *data* tells apart:"
            " runs of different data never share a row or a mean."
        )
    for suite in scores.benchmarks(herd.members):
        found = comparable.groups(herd.members, suite)
        if len(found) > 1:
            lines.append(
                f"`{suite}` was asked in {len(found)} ways that do not compare (tasks, versions, rows or"
                " wrapper differ); each is ranked by itself."
            )
    return " ".join(lines)


def listing(herd: Herd) -> Listing:
    """One row a member."""
    fields = [one for one in _fields(herd) if any(one.of(m) not in (None, "") for m in herd.members)]
    rows = [[one.of(member) for one in fields] for member in herd.members]
    marks: dict[Where, Mark] = {
        (number, 0): SCRATCH for number, member in enumerate(herd.members) if member.scratch
    }
    for place, one in enumerate(fields):
        suite = one.column.name.removesuffix(", mean")
        if suite in scores.benchmarks(herd.members):
            marks |= {(number, place): mark for number, mark in _apart(herd, suite).items()}
    notes = [
        "Scores are percent; a mean over tasks ranks only those without a mark, or with the same."
    ] * any(place for _, place in marks)
    table = Table("herd", "The herd", [one.column for one in fields], rows, notes)
    return Listing(table, marks, [member.key for member in herd.members])


def _fields(herd: Herd) -> list[Field]:
    """Who it is and how it scored, which is seen without scrolling; then how it went, and on what."""
    return [
        Field(Column("student"), lambda m: m.key),
        Field(Column("family"), lambda m: m.family),
        Field(Column("size"), lambda m: m.size),
        Field(Column("parameters", ",d"), lambda m: m.parameters),
        Field(Column("status"), lambda m: m.status if m.kind is Kind.run else ""),
        *(
            Field(Column(f"{suite}, mean", ".1f"), partial(scores.mean, suite=suite))
            for suite in scores.benchmarks(herd.members)
        ),
        *(
            Field(Column(axis.replace("_", " "), ".1f"), partial(_held_out, axis))
            for axis in dict.fromkeys(axis for m in herd.members for axis in m.record.get("held_out") or {})
        ),
        Field(Column("hallucinated", ".1f"), _hallucinated),
        Field(Column("toxic", ".1f"), _toxic),
        Field(Column("bits/byte", ".3f"), lambda m: m.record.get("validation_bits_per_byte")),
        Field(Column("loss", ".3f"), lambda m: m.record.get("validation_loss")),
        Field(Column("data"), lambda m: m.data[:8] if m.data else ""),
        Field(Column("pairs", ",d"), lambda m: _of(m, "data", "pairs")),
        Field(Column("seed", "d"), lambda m: m.seed),
        Field(Column("steps", ",d"), lambda m: m.record.get("steps")),
        Field(Column("minutes", ",.1f"), lambda m: s / 60 if (s := m.record.get("seconds")) else None),
        Field(Column("architecture"), lambda m: m.architecture),
    ]


def _of(member: Member, *path: str) -> Any:
    found: Any = member.record
    for name in path:
        found = (found or {}).get(name)
    return found


def _held_out(axis: str, member: Member) -> float | None:
    share = _of(member, "held_out", axis, "student")
    return None if share is None else 100 * share


def _hallucinated(member: Member) -> float | None:
    """Of the judge whose number counts, in percent."""
    tree = member.suites.get("hallucination")
    share = tree["judges"][tree["judged_by"]]["total"]["share"] if tree else None
    return None if share is None else 100 * share


def _toxic(member: Member) -> float | None:
    """Completions of toxic beginnings that were flagged, in percent."""
    tree = member.suites.get("toxicity")
    rate = tree["groups"].get("toxic", {}).get("answer", {}).get("rate") if tree else None
    return None if rate is None else 100 * rate


def _apart(herd: Herd, suite: str) -> dict[int, Mark]:
    """Row -> why its mean does not compare with those of the first group."""
    places = {member.key: number for number, member in enumerate(herd.members)}
    found: dict[int, Mark] = {}
    for number, group in enumerate(comparable.groups(herd.members, suite)[1:]):
        mark = Mark(_sign(number), f"ranked apart: {group.reason}")
        found |= {places[member.key]: mark for member in group.members}
    return found


def _sign(number: int) -> str:
    """† ‡ §, then doubled."""
    return "†‡§"[number % 3] * (number // 3 + 1)


def failed(herd: Herd) -> Table:
    """Runs that are not done with the reason, files that cannot be read, folders that were left out."""
    rows: list[Sequence[Cell]] = []
    for member in herd.members:
        if member.kind is Kind.run and member.status != "done":
            rows.append([member.key, member.status, _why(member)])
        rows += [[member.key, "torn file", problem] for problem in member.problems]
    rows += [["", "left out", sentence] for sentence in herd.left_out]
    columns = [Column("student"), Column("what"), Column("why")]
    return Table("failed", "What failed, still runs or was left out", columns, rows)


def _why(member: Member) -> str:
    if error := member.record.get("error"):
        return str(error)
    return {
        "running": "it still runs; it has no results yet",
        "killed": "its process ended without a word; the same line continues it",
        "damaged": "its run.json cannot be read",
    }.get(member.status, "")
