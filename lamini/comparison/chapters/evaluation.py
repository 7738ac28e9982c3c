"""Automatic evaluation (paper section 4.2, Tables 9 to 14): students and their bases by tasks, ours beside
the paper's.

One table a suite and group of members that may be compared at all (lamini/comparison/comparable.py); runs
that differ by their seed alone are one row. Then what differs from the paper, from the best, in other
wrappers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells, published, scores
from lamini.comparison.blocks import Block, Chapter, Listing, Mark, Missing, Text, Where
from lamini.comparison.comparable import Group, groups
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.contamination import overlap
from lamini.comparison.evaluation.differences import MEAN, Difference
from lamini.comparison.evaluation.ranking import best
from lamini.comparison.evaluation.wrappers import in_other_wrappers
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.replicates import Row, rows, spread

KEY = "evaluation"
GUESS = Mark("≈", "no better than guessing: chance lies within two standard errors")
NEAR = 1.96  # standard errors
MEANS = "Scores in percent; the mean is the unweighted one over the tasks, which the paper prints as average."


@dataclass(frozen=True)
class View:
    """A suite's group of members as a table has it."""

    herd: Herd
    suite: str
    group: Group
    rows: Sequence[Row]
    tasks: Mapping[str, str]  # column -> how it is called

    @property
    def paper(self) -> bool:
        """Whether the paper's models stand beside ours."""
        return self.herd.paper and any(counterpart(self, row) for row in self.rows)


def chapter(herd: Herd) -> Chapter:
    """All suites of tasks that any member was scored on."""
    blocks: list[Block] = []
    for suite in scores.benchmarks(herd.members):
        for number, group in enumerate(groups(herd.members, suite)):
            blocks += _blocks(view_of(herd, suite, group), number)
    if not blocks:
        where = cells.herd_of(herd.members)
        blocks.append(Missing("Scores of students", f"python evaluate.py students={where} suite=nlp15"))
    return Chapter(KEY, "Automatic evaluation", blocks)


def view_of(herd: Herd, suite: str, group: Group) -> View:
    """The group's rows in their order, and its columns by the paper's names."""
    columns = scores.columns(group.members[0], suite)
    tasks = {name: scores.label(entry, name) for name, entry in columns.items()}
    return View(herd, suite, group, cells.ordered(rows(group.members)), tasks)


def title_of(view: View) -> str:
    """`nlp15`, or `nlp15: lacks record` for a group that stands apart."""
    return view.suite + (f": {view.group.reason}" if view.group.reason else "")


def _blocks(view: View, number: int) -> Iterator[Block]:
    name = cells.slug(KEY, view.suite, *([str(number + 1)] if number else []))
    if number == 1:
        yield Text(
            f"What follows of {cells.code(view.suite)} stands apart, since tasks, versions, rows or wrappers"
            " differ: no mean of one table may be ranked with one of another."
        )
    yield table(view, name)
    seeds = [row for row in view.rows if len(row.members) > 1]
    if seeds:
        yield _seeds(view, seeds, f"{name}_seeds")
    if view.paper:
        yield _beside_paper(view, f"{name}_paper")
    yield from best(view.rows, view.suite, view.tasks, (f"{name}_best", title_of(view)), view.herd.seed)
    yield from in_other_wrappers(view.group.members, view.suite, view.tasks, f"{name}_wrappers")


def table(view: View, name: str) -> Listing:
    """Students by tasks, the paper's row below ours, chance at the end."""
    several = any(len(row.members) > 1 for row in view.rows)
    columns = [Column("student"), Column("parameters", ",d"), Column("mean", ".1f"), Column("±", ".1f")]
    columns += [Column("seeds", "d")]
    first = len(columns)
    columns += [Column(label, ".1f") for label in view.tasks.values()]
    lines: list[Sequence[Cell]] = []
    owners: list[str] = []
    marks: list[tuple[Where, Mark]] = []
    for row in view.rows:
        place, member = len(lines), row.members[0]
        seeds = len(row.members) if several else None
        lines.append([row.key, member.parameters, *_mean(row, view.suite), seeds, *_cells(row, view)])
        owners.append(cells.owner(row))
        if member.scratch:
            marks.append(((place, 0), cells.SCRATCH))
        marks += [((place, first + n), mark) for n, mark in _task_marks(row, view)]
        paper = counterpart(view, row)
        if paper:
            own = [_of(paper, view.suite, task) for task in view.tasks]
            mean = scores.mean(paper, view.suite) if None not in own else None
            label = f"{row.key}, paper: {paper.student}"
            lines.append([label, paper.parameters, mean, None, None, *own])
            owners.append(cells.owner(row))
    chance = _chance(view)
    if any(one is not None for one in chance):
        lines.append(["chance", None, None, None, None, *chance])
        owners.append("")
    what = "Tables 9 to 14" if view.group.members[0].kind is Kind.published else "paper Tables 9 to 14"
    title = f"Scores on {title_of(view)}" + (f" ({what})" if view.suite == "nlp15" else "")
    whole = Listing(Table(name, title, columns, lines, _notes(view, several)), cells.joined(marks), owners)
    return cells.slim(whole, ["parameters", "±", "seeds"])


def _notes(view: View, several: bool) -> list[str]:
    notes = [MEANS]
    if several:
        notes.append(
            "±: standard error of the mean over the test rows; of several seeds, half of the 95 % interval"
            " over them (Student's t)."
        )
    elif any(_ours(row) for row in view.rows):
        notes.append("±: standard error of the mean over the test rows.")
    if view.group.limit:
        notes.append(f"Only the first {view.group.limit:,} rows of each task: a try, no score.")
    fingerprints = {member.data for member in view.group.members if member.data}
    if len(fingerprints) > 1:
        notes.append(
            f"The runs learned from {len(fingerprints)} different data sets; those of different data are"
            " different rows and are never averaged."
        )
    if view.paper:
        notes.append(
            "Paper: arXiv 2304.14402, by an lm-eval of April 2023, unlike today's; its row is no member of"
            " the ranking."
        )
    if view.suite.startswith("oracle"):
        notes.append("Tasks of the embedded oracle: they say nothing about real tasks.")
    return notes


def _mean(row: Row, suite: str) -> tuple[float | None, float | None]:
    found = spread(row, lambda member: scores.mean(member, suite))
    if found is None:
        return None, None
    if found.low is None:
        return found.mean, differences.mean_error(row.members[0], suite) if _ours(row) else None
    return found.mean, found.mean - found.low


def _ours(row: Row) -> bool:
    return row.members[0].kind is not Kind.published


def _cells(row: Row, view: View) -> list[Cell]:
    return [_average(row, view.suite, task) for task in view.tasks]


def _average(row: Row, suite: str, task: str) -> float | None:
    found = spread(row, lambda member: _of(member, suite, task))
    return found.mean if found else None


def _of(member: Member, suite: str, task: str) -> float | None:
    found = scores.score(member, suite, task)
    return found.value if found else None


def _task_marks(row: Row, view: View) -> Iterator[tuple[int, Mark]]:
    """Guesses, and test items that stood in the training data."""
    for number, task in enumerate(view.tasks):
        found = [one for member in row.members if (one := scores.score(member, view.suite, task))]
        if found and all(_guessed(one) for one in found):
            yield number, GUESS
        stained = overlap(view.herd, row.members[0], task)
        if found and stained:
            yield number, stained


def _guessed(one: scores.Score) -> bool:
    error = differences.error_of(one)
    return one.chance is not None and error is not None and one.value - NEAR * error <= one.chance


def _chance(view: View) -> list[float | None]:
    member = view.group.members[0]
    found = [scores.score(member, view.suite, task) for task in view.tasks]
    return [one.chance if one else None for one in found]


def counterpart(view: View, row: Row) -> Member | None:
    """The paper's model of a row of ours, where the paper's numbers are wanted and cover any of the tasks."""
    if not view.herd.paper or not _ours(row):
        return None
    paper = published.counterpart(row.members[0])
    return paper if paper and any(_of(paper, view.suite, task) is not None for task in view.tasks) else None


def _seeds(view: View, several: Sequence[Row], name: str) -> Listing:
    """The single runs behind rows of several."""
    lines: list[Sequence[Cell]] = []
    owners: list[str] = []
    for row in several:
        for member in row.members:
            own = [_of(member, view.suite, task) for task in view.tasks]
            lines.append([row.key, member.seed, scores.mean(member, view.suite), *own])
            owners.append(member.key)
    columns = [Column("student"), Column("seed", "d"), Column("mean", ".1f")]
    columns += [Column(label, ".1f") for label in view.tasks.values()]
    return Listing(Table(name, f"Every seed on {title_of(view)}", columns, lines), rows=owners)


def _beside_paper(view: View, name: str) -> Listing:
    """What our numbers differ from the paper's by, in points."""
    pairs = [(row, paper) for row in view.rows if (paper := counterpart(view, row))]
    found = [
        differences.between(Row(paper.key, [paper]), row, view.suite, view.herd.seed) for row, paper in pairs
    ]
    labels = {MEAN: "mean", **view.tasks}
    lines: list[Sequence[Cell]] = [
        [row.key, paper.student, *(one[task].value if task in one else None for task in labels)]
        for (row, paper), one in zip(pairs, found, strict=True)
    ]
    columns = [Column("student"), Column("paper's")]
    columns += [Column(label, "+.1f") for label in labels.values()]
    marks = star_marks(found, list(labels), 2)
    notes = [
        "Ours less the paper's, in points; the mean is over the tasks that both have.",
        differences.note(found),
    ]
    owners = [cells.owner(row) for row, _ in pairs]
    return Listing(
        Table(name, f"Ours less the paper's on {title_of(view)}", columns, lines, notes), marks, owners
    )


def star_marks(
    found: Sequence[Mapping[str, Difference]], names: Sequence[str], first: int
) -> dict[Where, Mark]:
    """The stars of a table whose columns from `first` on are `names`."""
    stars = differences.starred(found)
    return {
        (place, first + number): differences.SIGNIFICANT
        for place, own in enumerate(stars)
        for number, name in enumerate(names)
        if name in own
    }
