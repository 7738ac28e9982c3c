"""Who is worth its cost: score against parameters, operations and time on a CPU (paper section 5 has the
first).

A student is on a frontier if no other one costs as little or less and scores as much or more. Times count
only where all were measured alike: same processor, threads and lengths, and the most frequent way is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import cells
from lamini.comparison.blocks import Block, Drawing, Listing, Mark, Missing
from lamini.comparison.evaluation.ranking import mean_of
from lamini.comparison.figures.drawing import FAINT, colour_of, gid, marker_of
from lamini.comparison.figures.magnitudes import logarithmic
from lamini.comparison.herd import Kind, Member
from lamini.comparison.replicates import Row, spread
from lamini.comparison.size import flops
from lamini.evaluation.latency.busy import busy

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

SUITE = "latency"
COSTS = {
    "parameters": "parameters",
    "operations": "operations of an answer",
    "time": "ms a token on the CPU",
}
LATE = Mark("~", "the machine was busy: times spread widely")


@dataclass(frozen=True)
class Costly:
    """A row with its score and what it costs, by COSTS; None where nobody knows."""

    row: Row
    score: float
    costs: Mapping[str, float | None]


def costly(rows: Sequence[Row], suite: str) -> list[Costly]:
    """All rows with a score."""
    way = _way([member for row in rows for member in row.members])
    asked: dict[str, Callable[[Member], float | None]] = {
        "parameters": lambda member: member.parameters,
        "operations": flops.of_answer,
        "time": lambda member: _milliseconds(member, way),
    }
    found = []
    for row in rows:
        score = mean_of(row, suite)
        if score is not None:
            told = {cost: spread(row, number) for cost, number in asked.items()}
            costs = {cost: one.mean if one else None for cost, one in told.items()}
            found.append(Costly(row, score, costs))
    return found


def frontier(points: Sequence[Costly], cost: str) -> list[Costly]:
    """The points that no other one beats, cheapest first.

    Costs 1 2 3 with scores 50 40 60: the first and the third.
    """
    known = [point for point in points if point.costs[cost] is not None]
    best: list[Costly] = []
    for point in sorted(known, key=lambda one: (one.costs[cost], -one.score)):
        if not best or point.score > best[-1].score:
            best.append(point)
    return best


def blocks(
    rows: Sequence[Row], suite: str, title: str, name: str, families: Sequence[str]
) -> Iterator[Block]:
    """Figure and table; what makes times, where there are none."""
    points = costly(rows, suite)
    shown = [cost for cost in COSTS if sum(point.costs[cost] is not None for point in points) > 1]
    if not shown:
        return
    edges = {cost: frontier(points, cost) for cost in shown}
    yield _drawing(points, edges, (title, f"{name}_pareto"), families)
    yield _table(points, edges, title, f"{name}_pareto")
    if "time" not in shown:
        members = [member for row in rows for member in row.members]
        yield Missing(
            "Time of an answer on a CPU",
            f"python evaluate.py students={_students(members)} suite={SUITE} threads=1",
        )


def _students(members: Sequence[Member]) -> str:
    if all(member.kind is Kind.published for member in members):
        return "'[MBZUAI/LaMini-Flan-T5-77M,MBZUAI/LaMini-GPT-124M]'"
    return cells.herd_of(members)


def _table(points: Sequence[Costly], edges: Mapping[str, Sequence[Costly]], title: str, name: str) -> Listing:
    columns = [Column("student"), Column("mean", ".1f"), Column("parameters", ",.0f")]
    columns += [Column("operations of an answer, 10^9", ",.2f"), Column("ms a token on the CPU", ",.2f")]
    columns += [Column("on the frontier of")]
    lines: list[Sequence[Cell]] = []
    for point in points:
        operations = point.costs["operations"]
        on = ", ".join(cost for cost, best in edges.items() if point in best)
        lines.append(
            [
                point.row.key, point.score, point.costs["parameters"], operations and operations / 1e9,
                point.costs["time"], on,
            ]
        )  # fmt: skip
    notes = [
        f"Operations: forward pass over {flops.PROMPT} tokens of instruction and {flops.RESPONSE} of"
        " response, an average pair of the paper's data.",
        *_how(points),
    ]
    owners = [cells.owner(point.row) for point in points]
    marks = cells.scratch([point.row for point in points])
    marks |= {(place, 4): LATE for place, point in enumerate(points) if _late(point)}
    table = Table(name, f"Score and cost on {title}", columns, lines, notes)
    return cells.slim(Listing(table, marks, owners), [columns[3].name, columns[4].name])


def _late(point: Costly) -> bool:
    told = [member.suites[SUITE] for member in point.row.members if _way_of(member)]
    return point.costs["time"] is not None and any(map(busy, told))


def _how(points: Sequence[Costly]) -> list[str]:
    """How times were taken, and of whom they are left out for having been taken otherwise."""
    members = [member for point in points for member in point.row.members]
    way = _way(members)
    if way is None:
        return []
    processor, machine, threads, _, _ = way
    others = [m.key for m in members if SUITE in m.suites and _milliseconds(m, way) is None]
    where, named = cells.code(processor or machine), ", ".join(map(cells.code, others))
    told = [f"Time: {where}, {threads} thread(s), batch 1, greedy; median between two tokens."]
    return told + ([f"Timed in another way, and left out: {named}."] if others else [])


def _way(members: Sequence[Member]) -> tuple[Any, ...] | None:
    """The most frequent way in which times were taken; None where there are none."""
    ways = Counter(way for member in members if (way := _way_of(member)) is not None)
    return ways.most_common(1)[0][0] if ways else None


def _way_of(member: Member) -> tuple[Any, ...] | None:
    told = member.suites.get(SUITE)
    if not told or "token_ms" not in told:
        return None
    hardware, tokens = told["hardware"], told["tokens"]
    return hardware["processor"], hardware["machine"], told["threads"], tokens["prompt"], tokens["new"]


def _milliseconds(member: Member, way: tuple[Any, ...] | None) -> float | None:
    if way is None or _way_of(member) != way:
        return None
    return float(member.suites[SUITE]["token_ms"]["median"])


def _drawing(
    points: Sequence[Costly],
    edges: Mapping[str, Sequence[Costly]],
    what: tuple[str, str],
    families: Sequence[str],
) -> Drawing:
    title, name = what
    shown = sorted({point.row.members[0].family for point in points})

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(1, len(edges), sharey=True, squeeze=False)[0]
        for axes, (cost, best) in zip(panels, edges.items(), strict=True):
            axes.step(
                [one.costs[cost] or 0 for one in best], [one.score for one in best], where="post",
                color=FAINT, linewidth=1.2,
            )  # fmt: skip
            for point in points:
                if point.costs[cost] is not None:
                    _point(axes, point, cost, families)
            logarithmic(axes, COSTS[cost])
        panels[0].set_ylabel("mean score, %")
        for family in shown:
            panels[0].plot(
                [], [], linestyle="none", marker=marker_of(family, families),
                color=colour_of(family, families), label=family,
            )  # fmt: skip
        canvas.legend(loc="outside lower center", ncols=min(len(shown), 7))

    best = {cost: ", ".join(one.row.key for one in edge) for cost, edge in edges.items()}
    alt = f"Mean score against {', '.join(COSTS[cost] for cost in edges)}. " + " ".join(
        f"Frontier of {cost}: {names}." for cost, names in best.items()
    )
    caption = (
        "Steps join the students that nobody beats at their cost. Hollow: not trained on the pairs. Equal"
        " parameters are no equal cost: an encoder-decoder runs each token through half of its weights."
    )
    scratch = [point.row.key for point in points if point.row.members[0].scratch]
    if scratch:
        named = "all" if len(scratch) == len(points) else ", ".join(map(cells.code, scratch))
        caption += f" From random weights: {named}."
    return Drawing(name, f"Score against cost on {title}", caption, alt, draw, width=1.5 + 3.2 * len(edges))


def _point(axes: Any, point: Costly, cost: str, families: Sequence[str]) -> None:
    from lamini.comparison.size.series import tuned

    member = point.row.members[0]
    colour = colour_of(member.family, families)
    lines = axes.plot(
        [point.costs[cost]], [point.score], linestyle="none", marker=marker_of(member.family, families),
        color=colour, markerfacecolor=colour if tuned(member) else "none",
    )  # fmt: skip
    gid(lines[0], cells.owner(point.row))
