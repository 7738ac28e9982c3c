"""Score against size for every family (paper section 5, Figure 4), the best at each size, cost, and scaling
fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells, published, scores
from lamini.comparison.blocks import Block, Chapter, Drawing, Listing, Mark, Missing, Text, Where
from lamini.comparison.chapters.evaluation import View, title_of, view_of
from lamini.comparison.comparable import groups
from lamini.comparison.evaluation import differences
from lamini.comparison.evaluation.best import NAMES, size_class
from lamini.comparison.evaluation.differences import MEAN, SIGNIFICANT
from lamini.comparison.evaluation.ranking import mean_of, ranked
from lamini.comparison.figures.drawing import FAINT, colour_of, gid, marker_of
from lamini.comparison.figures.magnitudes import logarithmic
from lamini.comparison.herd import Herd, Member
from lamini.comparison.replicates import Row, spread
from lamini.comparison.size import fits, pareto
from lamini.comparison.size.series import Series, by_size, families_of, parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

KEY = "size"
LINES = ("LLaMA-7B", "Alpaca-7B")
"""The paper's reference lines in Figure 4."""
NEAR = 1.96


def chapter(herd: Herd) -> Chapter:
    """Figure, table, best of each size and cost for every suite; then the fits."""
    blocks: list[Block] = []
    for suite in scores.benchmarks(herd.members):
        for number, group in enumerate(groups(herd.members, suite)):
            view = view_of(herd, suite, group)
            name = cells.slug(KEY, suite, *([str(number + 1)] if number else []))
            blocks += _blocks(view, name)
    blocks += fits.blocks(herd)
    if not blocks:
        where = cells.herd_of(herd.members)
        blocks.append(Missing("Scores by size", f"python evaluate.py students={where} suite=nlp15"))
    return Chapter(KEY, "Size", blocks)


def _blocks(view: View, name: str) -> Iterator[Block]:
    rows = [row for row in view.rows if parameters(row) and mean_of(row, view.suite) is not None]
    unknown = [row.key for row in view.rows if row not in rows]
    if len({parameters(row) for row in rows}) > 1:
        yield drawing(view, rows, name)
        yield table(view, rows, name)
        yield _best(view, rows, f"{name}_best")
        yield from pareto.blocks(rows, view.suite, title_of(view), name, families_of(view.herd))
    if unknown and rows:
        named = ", ".join(map(cells.code, unknown))
        yield Text(f"Of unknown size or without a mean, and not in these figures: {named}.")


def lines_of(view: View) -> list[tuple[str, float]]:
    """The paper's reference lines, where its tasks are those of the view."""
    if view.suite != "nlp15" or not view.herd.paper or view.group.limit:
        return []
    models = {member.key: member for member in published.members()}
    theirs = scores.columns(models[LINES[0]], view.suite)
    if set(theirs) != set(view.tasks):
        return []
    return [(name, mean) for name in LINES if (mean := scores.mean(models[name], view.suite)) is not None]


def ends(row: Row, suite: str) -> tuple[float, float] | None:
    """The 95 % interval of a row's mean: over its seeds, or of its test rows; None where neither is known."""
    found = spread(row, lambda member: scores.mean(member, suite))
    if found is None:
        return None
    if found.low is not None and found.high is not None:
        return found.low, found.high
    error = differences.mean_error(row.members[0], suite)
    return None if error is None else (found.mean - NEAR * error, found.mean + NEAR * error)


def table(view: View, rows: Sequence[Row], name: str) -> Listing:
    """What the figure shows, as numbers."""
    lines: list[Sequence[Cell]] = []
    for row in sorted(rows, key=lambda row: (row.members[0].family, parameters(row))):
        member, bounds = row.members[0], ends(row, view.suite) or (None, None)
        kind = "trained" if _trained(member) else "untuned"
        lines.append(
            [
                row.key,
                member.family,
                kind,
                parameters(row),
                mean_of(row, view.suite),
                *bounds,
                len(row.members),
            ]
        )
    owners = [
        cells.owner(row) for row in sorted(rows, key=lambda row: (row.members[0].family, parameters(row)))
    ]
    columns = [Column("student"), Column("family"), Column("kind"), Column("parameters", ",d")]
    columns += [Column("mean", ".1f"), Column("from", ".1f"), Column("to", ".1f"), Column("seeds", "d")]
    notes = ["from, to: 95 % interval, over seeds where there are several, else of the test rows."]
    notes += [
        f"Reference lines: {', '.join(f'{one} {mean:.1f}' for one, mean in lines_of(view))} (paper)."
    ] * bool(lines_of(view))
    title = f"Score against size on {title_of(view)}" + (" (paper Figure 4)" if view.suite == "nlp15" else "")
    ordered = sorted(rows, key=lambda row: (row.members[0].family, parameters(row)))
    return Listing(Table(name, title, columns, lines, notes), cells.scratch(ordered), owners)


def _trained(member: Member) -> bool:
    from lamini.comparison.size.series import tuned

    return tuned(member)


def drawing(view: View, rows: Sequence[Row], name: str) -> Drawing:
    """Lines of families over a logarithmic axis of parameters (paper Figure 4)."""
    series = by_size([member for row in rows for member in row.members])
    families = families_of(view.herd)
    lines = lines_of(view)

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        axes.set_ylabel("mean score, %")
        for one in series:
            _line(axes, one, view.suite, families)
        for label, mean in lines:
            axes.axhline(mean, color=FAINT, linestyle=":", linewidth=1.2)
            axes.annotate(
                f"{label} (paper)", (0, mean), xycoords=("axes fraction", "data"), xytext=(3, 2),
                textcoords="offset points", fontsize=8, color=FAINT,
            )  # fmt: skip
        logarithmic(axes, "parameters")
        canvas.legend(loc="outside right upper")

    solid = "Solid and filled: trained on the pairs; dashed and hollow: untuned."
    caption = f"{solid} Bars: 95 % interval, over seeds where there are several, else of the test rows."
    if lines:
        caption += " Dotted: the paper's reference lines."
    title = f"Score against size on {title_of(view)}"
    return Drawing(name, title, caption, _spoken(series, view.suite), draw, width=9.0)


def _line(axes: Axes, one: Series, suite: str, families: Sequence[str]) -> None:
    colour, marker = colour_of(one.family, families), marker_of(one.family, families)
    points = [(parameters(row), mean_of(row, suite) or 0.0, ends(row, suite)) for row in one.rows]
    whole = "\n".join(cells.owner(row) for row in one.rows)
    face = colour if one.tuned else "none"
    line = axes.plot(
        [x for x, _, _ in points], [y for _, y, _ in points], color=colour,
        linestyle="-" if one.tuned else "--", linewidth=1.5,
    )  # fmt: skip
    gid(line[0], whole)
    for row, (x, y, bounds) in zip(one.rows, points, strict=True):
        error = None if bounds is None else [[max(y - bounds[0], 0)], [max(bounds[1] - y, 0)]]
        gid(
            axes.errorbar(
                [x], [y], yerr=error, color=colour, marker=marker, markerfacecolor=face, linestyle="none",
                elinewidth=1, capsize=2,
            ),
            cells.owner(row),
        )  # fmt: skip
    axes.plot(
        [], [], color=colour, marker=marker, markerfacecolor=face, label=one.label,
        linestyle="-" if one.tuned else "--",
    )  # fmt: skip


def _spoken(series: Sequence[Series], suite: str) -> str:
    told = []
    for one in series:
        means = [f"{mean_of(row, suite) or 0:.1f}" for row in one.rows]
        told.append(f"{one.label} {' '.join(means)}")
    return f"Mean score by size, smallest first: {'; '.join(told)}."


def _best(view: View, rows: Sequence[Row], name: str) -> Listing:
    """The best student of each size class, and whether the second is really behind it."""
    found: dict[str, list[Row]] = {}
    for row in ranked(rows, view.suite):
        found.setdefault(size_class(parameters(row)), []).append(row)
    bands = [name for name in NAMES if name in found]
    against = [
        differences.between(found[one][0], found[one][1], view.suite, view.herd.seed)
        if len(found[one]) > 1
        else {}
        for one in bands
    ]
    means = [{MEAN: own[MEAN]} if MEAN in own else {} for own in against]
    lines: list[Sequence[Cell]] = []
    marks: dict[Where, Mark] = {}
    for place, (one, own, stars) in enumerate(zip(bands, means, differences.starred(means), strict=True)):
        first, second = found[one][0], found[one][1] if len(found[one]) > 1 else None
        lines.append(
            [
                one, len(found[one]), first.key, parameters(first), mean_of(first, view.suite),
                second.key if second else None, own[MEAN].value if own else None,
            ]
        )  # fmt: skip
        if stars:
            marks[place, 6] = SIGNIFICANT
        if first.members[0].scratch:
            marks[place, 2] = cells.SCRATCH
    columns = [Column("size"), Column("students", "d"), Column("best"), Column("parameters", ",d")]
    columns += [Column("mean", ".1f"), Column("second"), Column("second less best", "+.1f")]
    notes = [differences.note(means)]
    owners = [cells.owner(found[one][0]) for one in bands]
    return Listing(
        Table(name, f"Best of each size on {title_of(view)}", columns, lines, notes),
        marks,
        owners,
    )
