"""The tables of a summary, each for Markdown and the terminal alike; those about raters stand here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lamini.analysis.tables import Cell, Column, Table
from lamini.rating.summary import standings
from lamini.rating.summary.cells import RIGHT, figure, percent, shortened, span

if TYPE_CHECKING:
    from lamini.rating.summary.agreement import Agreement
    from lamini.rating.summary.summary import Summary


def tables(summary: Summary) -> list[Table]:
    """All that apply, in the order of the report."""
    found = []
    for name, rows in summary.counts.items():
        for part in dict.fromkeys(row.part for row in rows):
            found.append(standings.counts(summary, name, part, [row for row in rows if row.part == part]))
    for name, preferred in summary.preferences.items():
        found += [standings.wins(name, preferred), standings.beaten(name, preferred)]
    found += [agreement(summary)] if summary.agreement or summary.judges else []
    found.append(raters(summary))
    found += [standings.differences(summary)] if summary.compared else []
    found += [disputed(summary)] if summary.disputed else []
    return found


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
    line: list[Cell] = [one.between, one.units, percent(one.equal), figure(one.alpha)]
    return [*line, *map(figure, one.kappa.values()), figure(fleiss) if fleiss else ""]


def _agreement_notes(summary: Summary, every: Sequence[Agreement]) -> list[str]:
    measure = "ordinal" if summary.study.scale.ordinal else "nominal"
    notes = []
    if every:
        notes.append(
            f"alpha: Krippendorff's, {measure}. kappa: Cohen's, over all pairs of raters. In brackets 95 %,"
            f" percentiles of {summary.bootstrap.resamples:,} resamples of items; n/a: all ratings are of one"
            " level."
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
            line += [row.mean, row.overall, row.shared, row.leniency.value, span(row.leniency)]
        lines.append(line)
    notes = ["Above 0: milder than others. On shared texts the others rated the very same."] if judged else []
    return Table("raters", "Raters", columns, lines, notes)


def disputed(summary: Summary) -> Table:
    """Where people disagree most."""
    columns = [
        Column("item"),
        Column("apart", ".2f"),
        Column("raters", ",d"),
        Column("instruction"),
        Column("levels"),
    ]
    lines: list[Sequence[Cell]] = [
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
