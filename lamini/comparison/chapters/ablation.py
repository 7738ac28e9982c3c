"""What data did (paper section 5, Table 4): ours from runs of one student that vary something, beside the
paper's.

Runs that differ by their seed alone are one row with a mean and a 95 % interval over the seeds; one seed has
no interval, and a difference of two single seeds is tested on their test rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells, scores
from lamini.comparison.ablation import mixtures, table4
from lamini.comparison.ablation.variants import Variants, labels_of, variants
from lamini.comparison.blocks import Block, Chapter, Drawing, Listing, Mark, Missing, Text, Where
from lamini.comparison.comparable import groups
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.differences import MEAN, Difference
from lamini.comparison.evaluation.ranking import mean_of
from lamini.comparison.figures.drawing import FAINT, colour_of, gid, marker_of
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.replicates import spread
from lamini.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

KEY = "ablation"


def chapter(herd: Herd) -> Chapter:
    """Ours for every suite, then the paper's Table 4."""
    blocks: list[Block] = []
    for suite in scores.benchmarks(herd.members):
        for number, group in enumerate(groups(herd.members, suite)):
            found = variants(herd, group.members)
            if found:
                title = suite + (f" ({group.reason})" if group.reason else "")
                name = cells.slug(KEY, suite, *([str(number + 1)] if number else []))
                blocks += _ours(herd, suite, found, title, name)
    if not blocks:
        blocks.append(
            Missing(
                "Runs of one student that vary in their data",
                "experiments/data-ablation/oracle.sh",
            )
        )
    if herd.paper:
        blocks += [*table4.blocks(), _paper_drawing()]
    if any(member.kind is Kind.published for member in herd.members):
        blocks += _effects(mixtures.paper_runs(), "paper Table 4", f"{KEY}_paper")
    return Chapter(KEY, "Data ablation", blocks)


def _ours(herd: Herd, suite: str, found: Sequence[Variants], title: str, name: str) -> Iterator[Block]:
    against = [_against(one, suite, herd.seed) for one in found]
    yield _wide(suite, found, against, title, name)
    yield _long(suite, found, against, title, f"{name}_rows")
    if len(labels_of(found)) > 2:
        yield _drawing(found, against, title, f"{name}_changes")
    members = [member for one in found for row in one.found.values() for member in row.members]
    runs, left_out = mixtures.runs_of(members, lambda member: scores.mean(member, suite))
    if not left_out and len(_single_sources(runs)) > 1:
        yield from _effects(runs, f"on {title}", name)


def _single_sources(runs: Sequence[mixtures.Run]) -> set[str]:
    """Sources that some run had nothing but."""
    return {source for run in runs for source, share in run.shares.items() if share == 1.0}


def _effects(runs: Sequence[mixtures.Run], what: str, name: str) -> Iterator[Block]:
    """What each source does, by a regression over the runs (lamini/comparison/ablation/mixtures.py)."""
    try:
        found = mixtures.fit(runs)
    except UserError as error:
        yield Text(f"No effects of the single sources: {cells.code(str(error))}")
        return
    for table in mixtures.tables(found):
        own = replace(table, name=cells.slug(name, table.name), title=f"{table.title}, {what}")
        yield Listing(own)


def _against(one: Variants, suite: str, seed: int) -> dict[str, Difference]:
    """Label -> its mean less that of the reference."""
    reference = one.found[one.reference]
    result = {}
    for label, row in one.found.items():
        if label != one.reference:
            own = differences.between(reference, row, suite, seed)
            if MEAN in own:
                result[label] = own[MEAN]
    return result


def _wide(
    suite: str, found: Sequence[Variants], against: Sequence[Mapping[str, Difference]], title: str, name: str
) -> Listing:
    """Students by what varies, as the paper prints it."""
    labels = labels_of(found)
    lines: list[Sequence[Cell]] = []
    for one in found:
        values = [mean_of(one.found[label], suite) if label in one.found else None for label in labels]
        lines.append([one.student, one.reference, *values])
    stars = differences.starred(against)
    marks: dict[Where, Mark] = {
        (place, 2 + labels.index(label)): differences.SIGNIFICANT
        for place, own in enumerate(stars)
        for label in own
    }
    marks |= {(place, 0): cells.SCRATCH for place, one in enumerate(found) if one.scratch}
    columns = [Column("student"), Column("against"), *(Column(label, ".1f") for label in labels)]
    notes = [
        "Mean over the tasks, then over the seeds. Stars: differs from what stands under *against*.",
        differences.note(against),
    ]
    owners = ["\n".join(cells.owner(row) for row in one.found.values()) for one in found]
    table = Table(name, f"What varies, on {title} (as the paper's Table 4)", columns, lines, notes)
    return Listing(table, marks, owners)


def _long(
    suite: str, found: Sequence[Variants], against: Sequence[Mapping[str, Difference]], title: str, name: str
) -> Listing:
    """A line a row, with what its seeds say."""
    stars = differences.starred(against)
    lines: list[Sequence[Cell]] = []
    owners: list[str] = []
    marks: dict[Where, Mark] = {}
    for one, differing, starred in zip(found, against, stars, strict=True):
        for label, row in one.found.items():
            told = spread(row, lambda member: _mean(member, suite))
            own = differing.get(label)
            if label in starred:
                marks[len(lines), 7] = differences.SIGNIFICANT
            if one.scratch:
                marks[len(lines), 0] = cells.SCRATCH
            seeds = [told.n, told.mean, told.low, told.high] if told else [0, None, None, None]
            tested = [own.value, own.stderr, own.p] if own else [None, None, None]
            pairs = row.members[0].record.get("data", {}).get("pairs")
            lines.append([one.student, label, pairs, *seeds, *tested])
            owners.append(cells.owner(row))
    columns = [Column("student"), Column("variant"), Column("pairs", ",d"), Column("seeds", "d")]
    columns += [Column("mean", ".1f"), Column("from", ".1f"), Column("to", ".1f")]
    columns += [Column("difference", "+.1f"), Column("±", ".1f"), Column("p", ".2g")]
    notes = [
        "from, to: 95 % interval over the seeds (Student's t). Difference, its standard error and p: against"
        f" the variant named in the table above. {differences.note(against)}"
    ]
    return Listing(Table(name, f"Every variant on {title}", columns, lines, notes), marks, owners)


def _mean(member: Member, suite: str) -> float | None:
    return scores.mean(member, suite)


def _drawing(
    found: Sequence[Variants], against: Sequence[Mapping[str, Difference]], title: str, name: str
) -> Drawing:
    """Changes by variant, a point a student with its 95 % interval."""
    labels = [label for label in labels_of(found) if any(label in own for own in against)]
    points = [
        (label, one.student, own[label].value, own[label].stderr, cells.owner(one.found[label]))
        for one, own in zip(found, against, strict=True)
        for label in labels
        if label in own
    ]
    references = sorted({one.reference for one in found})
    return Drawing(
        name,
        f"Changes against {', '.join(references)} on {title}",
        "Points of the mean; bars are two standard errors of the difference.",
        f"Changes of the mean for {', '.join(labels)}.",
        lambda canvas: _dots(canvas, labels, points, "points of the mean"),
        height=1.3 + 0.36 * len(labels),
    )


def _paper_drawing() -> Drawing:
    """Table 4 as changes over the untuned student."""
    found = table4.changes()
    students = list(table4.rows())
    points = [
        (table4.NAMES[name], student, value, None, "")
        for name, values in found.items()
        for student, value in zip(students, values, strict=True)
    ]
    told = ", ".join(f"{table4.NAMES[name]} {sum(own) / len(own):+.1f}" for name, own in found.items())
    return Drawing(
        "ablation_paper_changes",
        "What 52,000 pairs of each set did (paper Table 4)",
        "Points of the mean over the untuned student, one run each.",
        f"Average change over six students: {told}.",
        lambda canvas: _dots(
            canvas, [table4.NAMES[name] for name in found], points, "points over the untuned student"
        ),
        height=5.0,
    )


def _dots(
    canvas: Canvas,
    labels: Sequence[str],
    points: Sequence[tuple[str, str, float, float | None, str]],
    axis: str,
) -> None:
    axes = canvas.add_subplot()
    axes.axvline(0, color=FAINT, linewidth=1)
    students = list(dict.fromkeys(student for _, student, _, _, _ in points))
    for number, student in enumerate(students):
        own = [point for point in points if point[1] == student]
        shift = (number - (len(students) - 1) / 2) * 0.6 / max(len(students), 1)
        for label, _, value, error, owner in own:
            bars = axes.errorbar(
                [value], [labels.index(label) + shift], xerr=None if error is None else [2 * error],
                color=colour_of(student, students), marker=marker_of(student, students), linestyle="none",
                elinewidth=1, capsize=2, label=student if label == own[0][0] else None,
            )  # fmt: skip
            if owner:
                gid(bars, owner)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(axis)
    canvas.legend(loc="outside right upper")
