"""The tables of a summary, each for Markdown and the terminal alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lamini.analysis.tables import Cell, Column, Table
from lamini.rating.summary.counts import Counted, scores, top_letters
from lamini.rating.summary.figure import number

if TYPE_CHECKING:
    from lamini.rating.summary.agreement import Agreement
    from lamini.rating.summary.bootstrap import Estimate
    from lamini.rating.summary.summary import Summary
    from lamini.rating.summary.winning import Preferences

RIGHT = "s"  # format of texts that stand to the right
PARTS = {"response": "responses", "instruction": "instructions"}
WORDS = 160  # characters of a disputed instruction that are shown


def tables(summary: Summary) -> list[Table]:
    """All that apply, in the order of the report."""
    found = []
    for name, rows in summary.counts.items():
        for part in dict.fromkeys(row.part for row in rows):
            found.append(counts(summary, name, part, [row for row in rows if row.part == part]))
    for name, preferred in summary.preferences.items():
        found += [wins(name, preferred), beaten(name, preferred)]
    found += [agreement(summary)] if summary.agreement or summary.judges else []
    found.append(raters(summary))
    found += [differences(summary)] if summary.compared else []
    found += [disputed(summary)] if summary.disputed else []
    return found


def counts(summary: Summary, name: str, part: str, rows: Sequence[Counted]) -> Table:
    """Levels by owner; the paper's counts stand below owners that it has."""
    scale = summary.study.scale
    several = len(scale.letters) > 2  # with two levels the mean is the share of the first
    columns = [Column("owner"), *(Column(letter, RIGHT) for letter in scale.letters)]
    columns += [Column("+".join(top_letters(scale)), ".1%"), Column("95 %", RIGHT)]
    columns += [Column("mean", ".2f"), Column("95 %", RIGHT)] if several else []
    columns += [Column("rated", RIGHT), Column("not yet", RIGHT), Column("no answer", RIGHT)]
    lines: list[Sequence[Cell]] = []
    for row in rows:
        line: list[Cell] = [row.owner, *(number(row.counts[letter]) for letter in scale.letters)]
        line += [row.top.value, _share(row.top)]
        line += [row.mean.value, _range(row.mean)] if several else []
        lines.append([*line, *(str(count or "") for count in (row.rated, row.unrated, row.left_out))])
        if row.paper:
            lines.append(_paper(row, several, scores(scale), len(top_letters(scale))))
    who = "" if name == "people" else f", by {name}"
    title = f"{PARTS.get(part, part).capitalize()}{who}"
    return Table(f"counts_{part}", title, columns, lines, _count_notes(summary, rows, several))


def _paper(row: Counted, several: bool, numbers: dict[str, int], top: int) -> list[Cell]:
    """The paper's line of an owner."""
    assert row.paper is not None
    given, total = list(row.paper.values()), sum(row.paper.values())
    line: list[Cell] = ["  in the paper", *map(str, given), sum(given[:top]) / total, ""]
    mean = sum(count * numbers[letter] for letter, count in row.paper.items()) / total
    return [*line, *([mean, ""] if several else []), str(total), "", ""]


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
        [row.owner, number(row.won), number(row.tied), number(row.lost), row.rate.value, _share(row.rate),
         row.strength.value, _range(row.strength)]
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


def agreement(summary: Summary) -> Table:
    """People with each other, then judges with people."""
    judges = [one for judge in summary.judges for one in (judge.people, judge.shared) if one is not None]
    every = [*summary.agreement, *judges]
    ordinal = summary.study.scale.ordinal
    kappas = [f"{name} kappa" if ordinal else "kappa" for name in (every[0].kappa if every else ())]
    heads = ["equal", "alpha", *kappas, "Fleiss' kappa"]
    columns = [Column("who"), Column("texts", ",d"), *(Column(head, RIGHT) for head in heads)]
    lines = [_agreed(one) for one in every]
    return Table("agreement", "Agreement", columns, lines, _agreement_notes(summary, every))


def _agreed(one: Agreement) -> list[Cell]:
    fleiss = one.fleiss.kappa if one.fleiss else None
    line: list[Cell] = [one.between, one.units, _percent(one.equal), _figure(one.alpha)]
    return [*line, *map(_figure, one.kappa.values()), _figure(fleiss) if fleiss else ""]


def _agreement_notes(summary: Summary, every: Sequence[Agreement]) -> list[str]:
    measure = "ordinal" if summary.study.scale.ordinal else "nominal"
    notes = []
    if every:
        notes.append(
            f"alpha: Krippendorff's, {measure}. kappa: Cohen's, over all pairs of raters. In brackets 95 %,"
            f" percentiles of {summary.bootstrap.resamples:,} resamples of items; n/a: all ratings were of one level."
        )
    fleiss = summary.agreement[0].fleiss if summary.agreement else None
    if fleiss and fleiss.missing:
        notes.append("Fleiss' kappa needs statsmodels: pip install 'lamini-herd[analysis]'.")
    elif fleiss and fleiss.units < summary.agreement[0].units:
        notes.append(f"Fleiss' kappa: of the {fleiss.units:,} texts that {fleiss.raters} people rated.")
    for judge in summary.judges:
        if judge.ranking is not None:
            notes.append(
                f"{judge.judge} ranks the owners as people do with Kendall's tau {judge.ranking:.2f}."
            )
        if judge.set_aside:
            why = ", ".join(f"{reason or 'skipped'} {count:,}" for reason, count in judge.set_aside.items())
            notes.append(f"{judge.judge} gave no level to {sum(judge.set_aside.values()):,} text(s): {why}.")
    return notes


def raters(summary: Summary) -> Table:
    """How much, how fast and how mildly."""
    judged = summary.study.sheet != "preference"
    columns = [Column("rater"), Column("kind"), Column("items", ",d"), Column("ratings", ",d")]
    columns += [Column("seconds each", ".0f")]
    columns += (
        [Column("mean", ".2f"), Column("to all others", "+.2f"), Column("shared texts", ",d")]
        if judged
        else []
    )
    columns += [Column("to others on them", "+.2f"), Column("95 %", RIGHT)] if judged else []
    lines: list[Sequence[Cell]] = []
    for row in summary.raters:
        line: list[Cell] = [row.rater, row.kind, row.items, row.ratings, row.seconds]
        if judged:
            line += [row.mean, row.overall, row.shared, row.leniency.value, _range(row.leniency)]
        lines.append(line)
    notes = ["Above 0: milder than others. On shared texts the others rated the very same."] if judged else []
    return Table("raters", "Raters", columns, lines, notes)


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
        [f"{one.second} - {one.first}", one.part, one.items, one.difference.value, _range(one.difference),
         one.better, one.alike, one.worse, _p(one.p), _p(one.holm)]
        for one in summary.compared
    ]  # fmt: skip
    test = (
        "McNemar's exact test"
        if len(summary.study.scale.letters) == 2
        else "Wilcoxon's signed-rank test (Pratt)"
    )
    note = f"Paired by item: {test}; Holm's method over {len(lines):,} pair(s)."
    return Table("differences", "Owner against owner", columns, lines, [note])


def disputed(summary: Summary) -> Table:
    """Where people disagree most."""
    columns = [
        Column("item"),
        Column("apart", ".2f"),
        Column("raters", ",d"),
        Column("instruction"),
        Column("levels"),
    ]
    lines = [
        [row.id, row.apart, row.raters, shortened(row.instruction), _levels(row.given.items())]
        for row in summary.disputed
    ]
    unit = "levels between two people, mean over the item's texts" if summary.study.scale.ordinal else (
        "share of pairs of ratings that differ"
    )  # fmt: skip
    return Table("disputed", "Most disagreement", columns, lines, [f"apart: {unit}."])


def _levels(given: Iterable[tuple[str, dict[str, str]]]) -> str:
    """`gpt2: ann A, bo D; ...`."""
    return "; ".join(
        f"{owner}: {', '.join(f'{rater} {letter}' for rater, letter in levels.items())}"
        for owner, levels in given
    )


def shortened(text: str) -> str:
    """One line of it as code: no markup of a text that is rated shows an image or a link in a report."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line}`" if len(line) <= WORDS else f"`{line[: WORDS - 3]}...`"


def _range(one: Estimate) -> str:
    return "" if one.interval is None else f"{one.interval[0]:.2f} to {one.interval[1]:.2f}"


def _share(one: Estimate) -> str:
    return "" if one.interval is None else f"{100 * one.interval[0]:.0f} to {100 * one.interval[1]:.0f}"


def _figure(one: Estimate) -> str:
    """`0.71 (0.60 to 0.80)`."""
    if one.value is None:
        return "n/a"
    return f"{one.value:.2f}" + (f" ({_range(one)})" if one.interval else "")


def _percent(one: Estimate) -> str:
    if one.value is None:
        return "n/a"
    return f"{100 * one.value:.1f} %" + (f" ({_share(one)})" if one.interval else "")


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
