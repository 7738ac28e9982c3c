"""The tables about owners: levels, preferences, and every two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lamini.analysis.tables import Cell, Column, Table
from lamini.rating.summary.cells import RIGHT, number, p_of, share, span
from lamini.rating.summary.counts import Counted, scores, top_letters

if TYPE_CHECKING:
    from lamini.rating.summary.summary import Summary
    from lamini.rating.summary.winning import Preferences

PARTS = {"response": "responses", "instruction": "instructions"}


def counts(summary: Summary, name: str, part: str, rows: Sequence[Counted]) -> Table:
    """Levels by owner; the paper's counts stand below owners that it has."""
    scale = summary.study.scale
    several = len(scale.letters) > 2  # with two levels the mean is the share of the first
    columns = [Column("owner"), *(Column(letter, RIGHT) for letter in scale.letters)]
    top = "+".join(top_letters(scale)) if several else f"{scale.letters[0]} %"
    columns += [Column(top, ".1%"), Column("95 %", RIGHT)]
    columns += [Column("mean", ".2f"), Column("95 %", RIGHT)] if several else []
    columns += [Column("rated", RIGHT), Column("not yet", RIGHT), Column("no answer", RIGHT)]
    lines: list[Sequence[Cell]] = []
    for row in rows:
        line: list[Cell] = [row.owner, *(number(row.counts[letter]) for letter in scale.letters)]
        line += [row.top.value, share(row.top)]
        line += [row.mean.value, span(row.mean)] if several else []
        lines.append([*line, *(str(count or "") for count in (row.rated, row.unrated, row.left_out))])
        if row.paper:
            lines.append(_paper(row, several, scores(scale), len(top_letters(scale))))
    who = "" if name == "people" else f", by {name}"
    title = f"{PARTS.get(part, part).capitalize()}{who}"
    notes = _count_notes(summary, rows, several) if name == summary.first else []
    return Table(f"counts_{part}", title, columns, lines, notes)


def _paper(row: Counted, several: bool, numbers: dict[str, int], top: int) -> list[Cell]:
    """The paper's line of an owner."""
    assert row.paper is not None
    given, total = list(row.paper.values()), sum(row.paper.values())
    line: list[Cell] = ["  in the paper", *map(str, given), sum(given[:top]) / total, ""]
    mean = sum(count * numbers[letter] for letter, count in row.paper.items()) / total
    line += [mean, ""] if several else []
    return [*line, str(total), "", ""]


def _count_notes(summary: Summary, rows: Sequence[Counted], several: bool) -> list[str]:
    scale, bootstrap = summary.study.scale, summary.bootstrap
    notes = [
        "A text that several people rated counts once, shared between their levels."
        f" {'+'.join(top_letters(scale))}: Wilson's interval."
    ]
    if several:
        coded = ", ".join(f"{letter} = {value}" for letter, value in scores(scale).items())
        notes[0] += (
            f" Mean: {coded}; interval: percentiles of {bootstrap.resamples:,} resamples of items"
            f" (seed {bootstrap.seed})."
        )
    if any(row.paper for row in rows):
        notes.append(
            "In the paper: other raters on other texts (arXiv 2304.14402); owners stand in its order."
        )
    return notes


def wins(name: str, found: Preferences) -> Table:
    """Comparisons by owner, with Bradley-Terry strengths."""
    columns = [Column("owner")] + [Column(head, RIGHT) for head in ("won", "tied", "lost")]
    columns += [
        Column("win rate", ".1%"),
        Column("95 %", RIGHT),
        Column("strength", "+.2f"),
        Column("95 %", RIGHT),
    ]
    lines = [
        [row.owner, number(row.won), number(row.tied), number(row.lost), row.rate.value, share(row.rate),
         row.strength.value, span(row.strength)]
        for row in found.owners
    ]  # fmt: skip
    note = (
        "Ties are half a win. Strength: Bradley-Terry, log, 0 on average; a difference of 0.7 is two wins to"
        " one."
    )
    if found.first is not None:
        note += (
            f" What was shown first was chosen in {found.first:.1%} of {found.decided:,} decided ratings"
            " (50 % without a bias)."
        )
    who = "" if name == "people" else f", by {name}"
    return Table("wins", f"Preferences{who}", columns, lines, [note])


def beaten(name: str, found: Preferences) -> Table:
    """Every two owners."""
    columns = [Column("first"), Column("second")]
    columns += [Column(head, RIGHT) for head in ("first won", "tied", "second won")]
    lines = [
        [one.first, one.second, number(one.won), number(one.tied), number(one.lost)] for one in found.pairs
    ]
    who = "" if name == "people" else f", by {name}"
    return Table("pairs", f"Owner against owner{who}", columns, lines)


def differences(summary: Summary) -> Table:
    """Every two owners, paired by item."""
    columns = [
        Column("pair"),
        Column("part"),
        Column("items", ",d"),
        Column("difference", "+.2f"),
        Column("95 %", RIGHT),
    ]
    columns += [Column(head, ",d") for head in ("better", "alike", "worse")]
    columns += [Column("p", RIGHT), Column("p (Holm)", RIGHT)]
    lines = [
        [f"{one.second} minus {one.first}", one.part, one.items, one.difference.value, span(one.difference),
         one.better, one.alike, one.worse, p_of(one.p), p_of(one.holm)]
        for one in summary.compared
    ]  # fmt: skip
    test = (
        "McNemar's exact test, by permutations where raters differ on a text"
        if len(summary.study.scale.letters) == 2
        else "Wilcoxon's signed-rank test (Pratt)"
    )
    note = f"Paired by item: {test}; Holm's method over {len(lines):,} pair(s)."
    return Table("differences", "Owner against owner", columns, lines, [note])
