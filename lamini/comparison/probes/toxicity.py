"""Completions that a classifier flags (paper Table 6), from evaluation/toxicity.json: numbers, no texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison import published
from lamini.comparison.blocks import Block, Drawing, Listing, Mark, Where
from lamini.comparison.figures.drawing import FAINT, colour_of, gid, marker_of
from lamini.comparison.herd import Herd, Member, Tree
from lamini.comparison.names import drawn, scratch

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

SUITE = "toxicity"
GROUPS = ("non-toxic", "toxic")
LEVEL = 0.05
DIFFERS = Mark("†", "differs from the model it began from: p below 0.05 by Fisher's exact test")
MOST = 40  # students in the figure


def blocks(herd: Herd, families: Sequence[str]) -> list[Block]:
    """A table and a figure for each classifier and set of prompts that was used."""
    found: dict[str, list[Member]] = {}
    for member in herd.members:
        for tree in (member.suites.get(SUITE),):
            if tree and "groups" in tree:
                found.setdefault(_asked(tree), []).append(member)
    result: list[Block] = []
    for number, members in enumerate(found.values()):
        name = SUITE if len(found) == 1 else f"{SUITE}_{number + 1}"
        told = members[0].suites[SUITE]["classifier"]
        note = f"Classifier: {told['kind']} {told['model']}."
        if len(found) > 1:
            note += " Students asked or judged otherwise stand in another table."
        table = listing(Herd(members), name, "Toxicity: completions flagged (paper Table 6)", note)
        result += [table, *changes(Herd(members), f"{name}_changes", families)]
    return result


def paper(herd: Herd, families: Sequence[str]) -> list[Block]:
    """Table 6 as published; `herd` is the paper's."""
    members = [member for member in herd.members if SUITE in member.suites]
    note = "arXiv 2304.14402, Table 6: the moderation endpoint of spring 2023; its prompts are not published."
    title = "Toxicity: completions flagged, in the paper (Table 6)"
    return [
        listing(Herd(members), "paper_table6", title, note),
        *changes(Herd(members), "paper_table6_changes", families),
    ]


def _asked(tree: Tree) -> str:
    """What decides whether counts may stand in one table: prompts and classifier, not who answered."""
    key = {name: value for name, value in tree.get("key", {}).items() if name != "answers"}
    return json.dumps(key, sort_keys=True)


def listing(herd: Herd, name: str, title: str, note: str) -> Listing:
    """A row a student, with what tuning changed where the model it began from was asked too."""
    columns = [Column("student"), Column("began from")]
    for group in GROUPS:
        columns += [Column(f"{group}: flagged", ",d"), Column("of", ",d"), Column("%", ".1f")]
        columns += [Column("from", ".1f"), Column("to", ".1f"), Column("change", "+.1f")]
    columns.append(Column("paper, toxic", ",d"))
    rows: list[list[Cell]] = []
    marks: dict[Where, Mark] = {}
    for row, member in enumerate(herd.members):
        base = herd.base_of(member)
        line: list[Cell] = [member.key, base.key if base else None]
        for group in GROUPS:
            line += _flagged(member, group)
            line.append(_change(member, base, group))
            if base and _p(member, base, group) < LEVEL:
                marks[row, len(line) - 1] = DIFFERS
        rows.append([*line, _paper(member)])
    if all(line[-1] is None for line in rows):
        columns, rows = columns[:-1], [line[:-1] for line in rows]
    notes = [
        f"{note} Interval of 95 %: Wilson's. Change: points beside the model it began from, whose answers to"
        " the same prompts the test takes for independent, which makes it careful."
    ]
    listed = [member.key for member in herd.members]
    return Listing(Table(name, title, columns, rows, notes), {**marks, **scratch(herd.members)}, listed)


def _flagged(member: Member, group: str) -> list[Cell]:
    told = member.suites[SUITE]["groups"][group]["answer"]
    shares = [None if told[end] is None else 100 * told[end] for end in ("rate", "low", "high")]
    return [told["flagged"], told["n"], *shares]


def _rate(member: Member, group: str) -> float | None:
    rate = member.suites[SUITE]["groups"][group]["answer"]["rate"]
    return None if rate is None else 100 * float(rate)


def _change(member: Member, base: Member | None, group: str) -> float | None:
    """Points: 46 of 1,000 where the base has 25 of 1,000 are +2.1."""
    if base is None:
        return None
    now, before = _rate(member, group), _rate(base, group)
    return None if now is None or before is None else round(now - before, 10)


def _p(member: Member, base: Member, group: str) -> float:
    """Two-sided, of Fisher's exact test on the two counts."""
    from scipy.stats import fisher_exact  # half a second to import

    told = [one.suites[SUITE]["groups"][group]["answer"] for one in (member, base)]
    return float(fisher_exact([[one["flagged"], one["n"] - one["flagged"]] for one in told]).pvalue)


def _paper(member: Member) -> int | None:
    """What the paper counted of the toxic prompts for the model trained from the same weights."""
    model = published.counterpart(member)
    if model is None or SUITE not in model.suites:
        return None
    return int(model.suites[SUITE]["groups"]["toxic"]["answer"]["flagged"])


def changes(herd: Herd, name: str, families: Sequence[str]) -> list[Block]:
    """What tuning did to the flagged share of the toxic prompts; nothing where no base was asked."""
    pairs = [(base, member) for member in herd.members if (base := herd.base_of(member))]
    pairs = [pair for pair in pairs if all(_rate(one, "toxic") is not None for one in pair)][:MOST]
    if not pairs:
        return []

    def draw(canvas: Canvas) -> None:
        axis = canvas.subplots()
        for row, (base, member) in enumerate(pairs):
            _arrow(axis, row, base, member, families)
        axis.set_yticks(range(len(pairs)), [drawn(member.key) for _, member in pairs])
        axis.set(
            ylim=(len(pairs) - 0.4, -0.6), xlabel="% of the completions of toxic prompts that are flagged"
        )
        axis.set_xlim(left=0)
        axis.grid(visible=False, axis="y")

    up = sum((_rate(member, "toxic") or 0) > (_rate(base, "toxic") or 0) for base, member in pairs)
    alt = f"Of {len(pairs)} students {up} have more flagged completions than the model they began from."
    caption = "Hollow: the model a student began from; full: the student, with its interval of 95 %."
    height = 0.9 + 0.3 * len(pairs)
    return [Drawing(name, "What tuning did to toxicity", caption, alt, draw, 8.0, height)]


def _arrow(axis: Any, row: int, base: Member, member: Member, families: Sequence[str]) -> None:
    """From the base's share to the student's."""
    colour, marker = colour_of(member.family, families), marker_of(member.family, families)
    told = member.suites[SUITE]["groups"]["toxic"]["answer"]
    before, now = _rate(base, "toxic"), _rate(member, "toxic")
    artists = [
        *axis.plot(
            [100 * told["low"], 100 * told["high"]], [row, row], color=colour, linewidth=1.2, alpha=0.6
        ),
        *axis.plot([before, now], [row, row], color=FAINT, linewidth=0.8, linestyle=":"),
        *axis.plot([before], [row], marker, color=colour, fillstyle="none", markersize=7),
        *axis.plot([now], [row], marker, color=colour, markersize=6),
    ]
    for artist in artists:
        gid(artist, member.key)
