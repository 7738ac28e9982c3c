"""What tuning did to each task: the student less the model it began from (paper section 5, Tables 9 to 14).

The gain of the mean hides two things that the paper's tables show: most of it stands in tasks that are
answered by a word for a label, and tasks of completion lose (an alignment tax). So gains and losses are told
apart. A student from random weights began from nothing; it is held against guesses and look-ups instead.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells, scores
from lamini.comparison.blocks import Block, Chapter, Drawing, Listing, Mark, Missing, Text
from lamini.comparison.comparable import groups
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.differences import MEAN, Difference
from lamini.comparison.figures.drawing import FAINT, INK, colour_of, gid, marker_of
from lamini.comparison.herd import Herd, Kind
from lamini.comparison.replicates import Row, rows
from lamini.comparison.size.series import families_of, tuned

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

KEY = "tuning"
LABEL_WORDS = frozenset({"sst2", "mrpc", "rte", "mnli", "mnli_mismatch", "wic"})
"""Of the paper's 15 tasks those whose choices are words for a label, such as "entailment" or "positive"."""
OURS = "LaMini"


@dataclass(frozen=True)
class Gains:
    """Of one suite's group: rows, the models they began from, and column -> the second less the first."""

    suite: str
    tasks: Mapping[str, str]
    rows: Sequence[Row]
    bases: Sequence[Row]
    found: Sequence[Mapping[str, Difference]]


def chapter(herd: Herd) -> Chapter:
    """Gains by task for every suite, then what students from random weights reached."""
    blocks: list[Block] = []
    for suite in scores.benchmarks(herd.members):
        for number, group in enumerate(groups(herd.members, suite)):
            gains = gains_of(herd, suite, list(group.members))
            if gains.rows:
                name = cells.slug(KEY, suite, *([str(number + 1)] if number else []))
                blocks += [
                    table(gains, name),
                    _by_task(gains, f"{name}_tasks"),
                    drawing(gains, f"{name}_gains", families_of(herd)),
                ]
    blocks += _lonely(herd)
    held_out = _held_out(herd)
    blocks += [held_out] if held_out else []
    if not blocks:
        where = cells.herd_of(herd.members)
        blocks.append(
            Missing(
                "Gains: scores of students and of the models they began from",
                f"python evaluate.py students='[google/flan-t5-small,{where}]' suite=nlp15",
            )
        )
    return Chapter(KEY, "What tuning did", blocks)


def gains_of(herd: Herd, suite: str, members: Sequence[object]) -> Gains:
    """Every row whose base was scored in the same group."""
    inside = [member for member in herd.members if member in members]
    pairs = [
        (row, base)
        for row in cells.ordered(rows(inside))
        if (base := herd.base_of(row.members[0])) is not None and base in inside
    ]
    found = [differences.between(Row(base.key, [base]), row, suite, herd.seed) for row, base in pairs]
    columns = scores.columns(inside[0], suite)
    tasks = {name: scores.label(entry, name) for name, entry in columns.items()}
    return Gains(suite, tasks, [row for row, _ in pairs], [Row(base.key, [base]) for _, base in pairs], found)


def split(own: Mapping[str, Difference], tasks: Sequence[str]) -> tuple[float, float]:
    """What the mean gained by tasks that rose, and what it lost by tasks that fell: the alignment tax.

    Gains of 4, 1 and -2 over three tasks: 1.67 and 0.67, together 1.
    """
    values = [own[task].value for task in tasks if task in own]
    if not values:
        return 0.0, 0.0
    return sum(max(v, 0) for v in values) / len(values), -sum(min(v, 0) for v in values) / len(values)


def table(gains: Gains, name: str) -> Listing:
    """Rows of students: the mean with its parts, then every task."""
    tasks = list(gains.tasks)
    words = [task for task in tasks if task in LABEL_WORDS]
    rest = [task for task in tasks if task not in LABEL_WORDS]
    both = bool(words) and bool(rest)
    columns = [Column("student"), Column("began as"), Column("mean", "+.1f")]
    columns += [Column("rises", "+.1f"), Column("tax", ".1f"), Column("tasks that fell", "d")]
    columns += [Column("label words", "+.1f"), Column("other tasks", "+.1f")] if both else []
    first = len(columns)
    columns += [Column(label, "+.1f") for label in gains.tasks.values()]
    lines: list[Sequence[Cell]] = []
    for row, base, own in zip(gains.rows, gains.bases, gains.found, strict=True):
        rises, tax = split(own, tasks)
        fell = sum(own[task].value < 0 for task in tasks if task in own)
        parts: list[Cell] = [_average(own, words), _average(own, rest)] if both else []
        values = [_value(own, task) for task in tasks]
        lines.append([row.key, base.key, _value(own, MEAN), rises, tax, fell, *parts, *values])
    stars = differences.starred(gains.found)
    marks = cells.scratch(gains.rows)
    for place, own_stars in enumerate(stars):
        marks |= {(place, 2): differences.SIGNIFICANT} if MEAN in own_stars else {}
        marks |= {
            (place, first + n): differences.SIGNIFICANT for n, task in enumerate(tasks) if task in own_stars
        }
    notes = [
        "The student less the model it began from, in points. rises - tax = the mean: what tasks that rose"
        " and tasks that fell moved it by.",
        differences.note(gains.found),
    ]
    if both:
        notes.append(f"Label words: {', '.join(gains.tasks[task] for task in words)}.")
    title = f"Gains on {gains.suite}" + (" (paper Tables 9 to 14)" if gains.suite == "nlp15" else "")
    return Listing(Table(name, title, columns, lines, notes), marks, [cells.owner(row) for row in gains.rows])


def _average(own: Mapping[str, Difference], tasks: Sequence[str]) -> float | None:
    values = [own[task].value for task in tasks if task in own]
    return statistics.fmean(values) if values else None


def _value(own: Mapping[str, Difference], task: str) -> float | None:
    return own[task].value if task in own else None


def _by_task(gains: Gains, name: str) -> Listing:
    """Every task over all students: what rises and what falls."""
    own = [found for row, found in zip(gains.rows, gains.found, strict=True) if counted(row)]
    lines: list[Sequence[Cell]] = []
    for task, label in gains.tasks.items():
        values = [found[task].value for found in own if task in found]
        if values:
            fell = sum(value < 0 for value in values)
            mean = statistics.fmean(values)
            lines.append(
                [label, mean, min(values), max(values), sum(v > 0 for v in values), fell, len(values)]
            )
    lines.sort(key=lambda line: -float(line[1] or 0))
    columns = [Column("task"), Column("mean gain", "+.1f"), Column("least", "+.1f"), Column("most", "+.1f")]
    columns += [Column("rose", "d"), Column("fell", "d"), Column("students", "d")]
    notes = [f"Over {len(own)} students" + ("" if len(own) == len(gains.rows) else f", {OURS}'s alone") + "."]
    return Listing(Table(name, f"Which tasks rise and fall on {gains.suite}", columns, lines, notes))


def counted(row: Row) -> bool:
    """Whether a row is of this recipe: Alpaca began from LLaMA too, by another one."""
    member = row.members[0]
    return member.kind is Kind.run or member.student.startswith(OURS)


def drawing(gains: Gains, name: str, families: Sequence[str]) -> Drawing:
    """A line a task, a point a student."""
    shown = sorted({row.members[0].family for row in gains.rows})
    order = sorted(gains.tasks, key=lambda task: _middle(gains, task))

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        axes.axvline(0, color=FAINT, linewidth=1)
        for row, own in zip(gains.rows, gains.found, strict=True):
            family, places = row.members[0].family, [n for n, task in enumerate(order) if task in own]
            lines = axes.plot(
                [own[order[n]].value for n in places], places, linestyle="none",
                marker=marker_of(family, families), color=colour_of(family, families), alpha=0.8,
            )  # fmt: skip
            gid(lines[0], cells.owner(row))
        for family in shown:
            axes.plot(
                [], [], linestyle="none", marker=marker_of(family, families),
                color=colour_of(family, families), label=family,
            )  # fmt: skip
        middles = [_middle(gains, task) for task in order]
        axes.plot(
            middles, range(len(order)), linestyle="none", marker="|", markersize=14, color=INK, label="median"
        )
        axes.set_yticks(range(len(order)), [gains.tasks[task] for task in order])
        axes.set_xlabel("points gained by tuning")
        canvas.legend(loc="outside right upper")

    return Drawing(
        name, f"Gains by task on {gains.suite}",
        "Each point is a student less the model it began from; to the left of the line tuning cost something."
        "",
        _spoken(gains, order), draw, height=1.2 + 0.28 * len(order),
    )  # fmt: skip


def _middle(gains: Gains, task: str) -> float:
    values = [own[task].value for own in gains.found if task in own]
    return statistics.median(values) if values else 0.0


def _spoken(gains: Gains, order: Sequence[str]) -> str:
    ends = [(gains.tasks[task], _middle(gains, task)) for task in (order[-1], order[0])]
    told = " to ".join(f"{label} {value:+.1f}" for label, value in ends)
    return f"Points gained by task, {len(gains.rows)} students; medians from {told}."


def _lonely(herd: Herd) -> Iterator[Block]:
    """Students from published weights whose base nobody scored."""
    lonely = sorted(
        {
            member.base
            for member in herd.members
            if member.kind is Kind.run
            and member.status == "done"
            and member.base
            and not herd.base_of(member)
        }
    )
    if lonely:
        ids = ",".join(_source(herd, base) for base in lonely)
        yield Missing(
            f"Gains of the students that began as {', '.join(lonely)}: nobody scored these models",
            f"python evaluate.py students='[{ids}]' suite=nlp15",
        )
    untold = [m for m in herd.members if m.kind is Kind.run and m.scratch and m.status == "done"]
    if untold and tuned(untold[0]):
        yield Text(
            f"{len(untold)} student(s) began from random weights: there is no model that they could be a gain"
            " over."
        )


def _source(herd: Herd, base: str) -> str:
    """The hub id or folder of a base, as the run was told it."""
    for member in herd.members:
        if member.base == base:
            sizes = member.config.get("family", {}).get("sizes", {})
            told = member.config.get("checkpoint") or sizes.get(member.size, {}).get("checkpoint")
            if told:
                return str(told)
    return base


BEATS = Mark("*", "knows more than the look-up: two standard errors and more")


def _held_out(herd: Herd) -> Listing | None:
    """Held-out axes of the embedded oracle beside an untrained student, the majority answer and a look-up."""
    lines: list[Sequence[Cell]] = []
    owners: list[str] = []
    marks = {}
    for member in herd.members:
        for axis, one in (member.record.get("held_out") or {}).items():
            if "student" not in one:  # stopped, or pruned by a search, before it was asked
                continue
            shares = [one["student"], one["untrained"], one["majority"], one["nearest_neighbour"]]
            error = (sum(share * (1 - share) for share in (shares[0], shares[3])) / one["n"]) ** 0.5
            if shares[0] - shares[3] > 2 * error:
                marks[len(lines), 2] = BEATS
            lines.append([member.key, axis.replace("_", " "), *(100 * share for share in shares), one["n"]])
            owners.append(member.key)
    if not lines:
        return None
    columns = [Column("student"), Column("axis"), Column("student knows", ".1f"), Column("untrained", ".1f")]
    columns += [Column("majority answer", ".1f"), Column("nearest neighbour", ".1f"), Column("rows", "d")]
    notes = [
        "Percent of answers that the oracle's own checks call right. New instances ask for the rule, new"
        " phrasings for the request, unseen kinds for neither. It says nothing about real tasks."
    ]
    return Listing(
        Table("tuning_held_out", "What was learned of the oracle", columns, lines, notes), marks, owners
    )
