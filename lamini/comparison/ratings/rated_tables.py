"""The tables of a study of rate.py: levels by owner, preferences, agreement, every two owners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison.blocks import Listing
from lamini.comparison.herd import Herd, Tree
from lamini.comparison.names import keys, member_of, scratch
from lamini.comparison.ratings import figure5
from lamini.rating.summary.counts import wilson

PEOPLE = "people"
PARTS = {"response": "responses", "instruction": "instructions"}
COUNT = ".4g"  # 57, 57.5, 0.25


def name(tree: Tree, what: str) -> str:
    """Of a table or figure: unique among studies."""
    return f"ratings_{tree['study']['sheet']}_{what}_{tree['study']['digest'][:8]}"


def levels(herd: Herd, tree: Tree, who: str, part: str) -> Listing:
    """How often each owner got each level."""
    letters = [one["letter"] for one in tree["study"]["scale"]["levels"]]
    rows = [row for row in tree["counts"][who] if row["part"] == part]
    lines = [_level_line(row, letters) for row in rows]
    columns = level_columns(letters) + [Column("not yet rated", ",d"), Column("no answer", ",d")]
    notes = [_level_note(tree, letters)]
    theirs = [_of_paper(herd, row) if len(letters) > 2 else None for row in rows]
    if any(one is not None for one in theirs):
        columns.append(Column(f"{better(letters)} %, paper", ".1f"))
        lines = [[*line, one] for line, one in zip(lines, theirs, strict=True)]
        notes.append(
            "Paper: other raters on other texts, of that name or of the model from the same weights."
        )
    by = "" if who == PEOPLE else f", by {who}"
    table = Table(
        name(tree, part) + _tail(tree, who), f"{PARTS.get(part, part).capitalize()}{by}", columns, lines,
        notes,
    )  # fmt: skip
    owners = [row["owner"] for row in rows]
    marks = scratch([member_of(herd, owner) for owner in owners]) if part == "response" else {}
    return Listing(table, marks, keys(herd, owners))


def level_columns(letters: Sequence[str]) -> list[Column]:
    """Owner, levels, the better half of them with its interval, and the mean where there is an order."""
    columns = [Column("owner"), *(Column(letter, COUNT) for letter in letters)]
    columns += [Column(f"{better(letters)} %", ".1f"), Column("from", ".1f"), Column("to", ".1f")]
    if len(letters) > 2:
        columns += [Column("mean", ".2f"), Column("mean from", ".2f"), Column("mean to", ".2f")]
    return [*columns, Column("rated", ",d")]


def better(letters: Sequence[str]) -> str:
    """The better half of the levels: A+B."""
    return "+".join(letters[: len(letters) // 2])


def _of_paper(herd: Herd, row: Tree) -> float | None:
    """The better half in percent in the paper: of that name, or of the model from the same weights."""
    told = list(row["paper"].values()) if row["paper"] else None
    member = member_of(herd, row["owner"])
    if told is None and member is not None and row["part"] == "response":
        told = figure5.of(member)
    return None if told is None else 100 * sum(told[: len(told) // 2]) / sum(told)


def _level_line(row: Tree, letters: Sequence[str]) -> list[Cell]:
    line: list[Cell] = [row["owner"], *(row["counts"][letter] for letter in letters)]
    line += _three(row["top"], 100)
    line += _three(row["mean"]) if len(letters) > 2 else []
    return [*line, row["rated"], row["unrated"], row["left_out"]]


def published_line(owner: str, counts: Sequence[int]) -> list[Cell]:
    """The paper's counts in the same columns; an interval of its mean cannot be told from counts alone."""
    total, better = sum(counts), sum(counts[: len(counts) // 2])
    low, high = wilson(better, total)
    line: list[Cell] = [owner, *counts, 100 * better / total, 100 * low, 100 * high]
    if len(counts) > 2:
        mean = sum(count * (len(counts) - 1 - place) for place, count in enumerate(counts)) / total
        line += [mean, None, None]
    return [*line, total]


def _level_note(tree: Tree, letters: Sequence[str]) -> str:
    note = (
        "A text that several people rated counts once, shared between their levels. 95 %: Wilson's interval"
    )
    if len(letters) > 2:
        coded = ", ".join(f"{letter} = {len(letters) - 1 - place}" for place, letter in enumerate(letters))
        resamples = tree["bootstrap"]["resamples"]
        note += f"; of the mean ({coded}) percentiles of {resamples:,} resamples of items"
    return f"{note}."


def wins(herd: Herd, tree: Tree, who: str) -> Listing:
    """Comparisons by owner, with Bradley-Terry strengths."""
    found = tree["preferences"][who]
    columns = [Column("owner"), *(Column(head, COUNT) for head in ("won", "tied", "lost"))]
    columns += [Column("win %", ".1f"), Column("from", ".1f"), Column("to", ".1f")]
    columns += [Column("strength", "+.2f"), Column("strength from", "+.2f"), Column("strength to", "+.2f")]
    lines: list[Sequence[Cell]] = [
        [
            one["owner"],
            one["won"],
            one["tied"],
            one["lost"],
            *_three(one["rate"], 100),
            *_three(one["strength"]),
        ]
        for one in found["owners"]
    ]
    notes = ["Ties are half a win. Strength: Bradley-Terry, log, 0 on average; 0.7 more is two wins to one."]
    if found["first"] is not None:
        notes[0] += (
            f" What was shown first was chosen in {found['first']:.1%} of {found['decided']:,} decided"
            " ratings."
        )
    by = "" if who == PEOPLE else f", by {who}"
    table = Table(name(tree, "wins") + _tail(tree, who), f"Preferences{by}", columns, lines, notes)
    owners = [one["owner"] for one in found["owners"]]
    return Listing(table, scratch([member_of(herd, owner) for owner in owners]), keys(herd, owners))


def agreement(tree: Tree) -> Listing | None:
    """How far people agree with each other, and judges with people; None where nothing was rated twice."""
    lines: list[Sequence[Cell]] = []
    for one in tree["agreement"]["people"]:
        lines += _agreed(one) if one["between"] == PEOPLE else []  # every two of them stand in summary.md
    for judge in tree["agreement"]["judges"]:
        lines += [line for one in (judge["people"], judge["shared"]) if one for line in _agreed(one)]
        if judge["ranking"] is not None:
            lines.append(
                [judge["judge"], "order of the owners, as people's: tau", None, judge["ranking"], None, None]
            )
    if not lines:
        return None
    columns = [Column("who"), Column("measure"), Column("texts", ",d"), Column("value", ".2f")]
    columns += [Column("from", ".2f"), Column("to", ".2f")]
    resamples = tree["bootstrap"]["resamples"]
    notes = [
        "kappa: Cohen's, over all pairs of raters; empty: all ratings are of one level. Intervals of 95 %:"
        f" percentiles of {resamples:,} resamples of items. tau: Kendall's. The paper has no agreement:"
        " nobody there rated what another had rated."
    ]
    return Listing(Table(name(tree, "agreement"), "Agreement", columns, lines, notes), sortable=False)


def _agreed(one: Tree) -> Iterator[list[Cell]]:
    """A line a measure."""
    measures = {"share of equal ratings": one["equal"], "Krippendorff's alpha": one["alpha"]}
    measures |= {
        f"kappa, {weights}" if weights != "plain" else "kappa": v for weights, v in one["kappa"].items()
    }
    for measure, value in measures.items():
        yield [one["between"], measure, one["units"], *_three(value)]
    if one["fleiss"] and not one["fleiss"]["missing"]:
        yield [one["between"], "Fleiss' kappa", one["fleiss"]["units"], *_three(one["fleiss"]["kappa"])]


def differences(tree: Tree) -> Listing:
    """Every two owners, paired by item."""
    columns = [Column("first"), Column("second"), Column("items", ",d")]
    columns += [Column("second minus first", "+.2f"), Column("from", "+.2f"), Column("to", "+.2f")]
    columns += [Column(head, ",d") for head in ("better", "alike", "worse")]
    columns += [Column("p", ".3g"), Column("p (Holm)", ".3g")]
    lines: list[Sequence[Cell]] = [
        [one["first"], one["second"], one["items"], *_three(one["difference"]),
         one["better"], one["alike"], one["worse"], one["p"], one["holm"]]
        for one in tree["differences"]
    ]  # fmt: skip
    test = (
        "McNemar's exact test"
        if len(tree["study"]["scale"]["levels"]) == 2
        else "Wilcoxon's signed-rank test (Pratt)"
    )
    note = f"Paired by item: {test}; Holm's method over {len(lines):,} pair(s)."
    return Listing(Table(name(tree, "differences"), "Owner against owner", columns, lines, [note]))


def _three(one: Tree | None, times: float = 1) -> list[Cell]:
    """A figure and the ends of its interval."""
    if one is None or one["value"] is None:
        return [None, None, None]
    low, high = one["interval"] or (None, None)
    return [None if end is None else times * end for end in (one["value"], low, high)]


def _tail(tree: Tree, who: str) -> str:
    """Tells the tables of several judges apart."""
    names: list[Any] = list(tree["counts"] or tree["preferences"])
    return "" if who == PEOPLE else f"_judge{names.index(who) + (PEOPLE not in names)}"
