"""`rate.py mode=summary`: a summary as files and on the terminal.

    summary.md      for people: facts, figure, tables
    summary.json    for programs: every number, unrounded
    figure.svg/png  stacked bars

Every file is written beside and renamed over.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table as View

from lamini.analysis.tables import Table, markdown, shown
from lamini.rating.summary import figure, sections, standings
from lamini.rating.summary.bootstrap import Bootstrap
from lamini.rating.summary.collected import collect
from lamini.rating.summary.figure import Bar, Bars
from lamini.rating.summary.summary import Summary, summed_up
from lamini.report import console
from lamini.runs import ensure_writable, write_atomically

if TYPE_CHECKING:
    from lamini.rating.store import Store

FORMAT = 1
ROWS = 20  # of a table on the terminal; files have all
TITLES = {
    "responses": "How {who} rated responses",
    "pairs": "How {who} rated the data",
    "hallucination": "Questions that nobody can answer, as {who} rated the responses",
    "preference": "Which response {who} preferred",
}


def summarise(store: Store, out: Path, *, seed: int, resamples: int) -> Summary:
    """Sum up what stands now, write it into the folder `out` and print it.

    Raises:
        UserError: nobody has rated anything, or the folder cannot be written.
    """
    summary = summed_up(collect(store), Bootstrap(seed, resamples))
    show(summary, write(summary, out))
    return summary


def write(summary: Summary, out: Path) -> list[Path]:
    """Write all files into the folder and say which.

    Raises:
        UserError: the disk refuses; files that were there are old or new, none is half written.
    """
    ensure_writable(out, "ratings")
    found = figure.drawn(bars(summary))
    files: dict[str, str | bytes] = {f"figure.{ending}": content for ending, content in found.items()}
    files["summary.md"] = text(summary)
    files["summary.json"] = json.dumps(record(summary), indent=2, ensure_ascii=False) + "\n"
    for name, content in files.items():
        write_atomically(out / name, content)
    return [out / name for name in files]


def show(summary: Summary, files: list[Path]) -> None:
    """Print tables and facts; long tables are cut, and say so."""
    out = console()
    for table in sections.tables(summary):
        out.print(view(table))
        for note in table.notes:
            out.print(note, style="dim", soft_wrap=True, markup=False)
        out.print()
    for fact in facts(summary):
        out.print(fact, soft_wrap=True, markup=False)
    for path in files:
        out.print(f"written  {path}", soft_wrap=True, markup=False, style="dim")


def view(table: Table) -> View:
    """The table for a terminal, its first rows."""
    rich = View(title=table.title, title_justify="left")
    for column in table.columns:
        rich.add_column(column.name, justify="right" if column.shown else "left", overflow="fold")
    for row in table.rows[:ROWS]:
        rich.add_row(*(escape(shown(cell, column)) for cell, column in zip(row, table.columns, strict=True)))
    if len(table.rows) > ROWS:
        rich.caption = f"{ROWS} of {len(table.rows):,}; summary.md has all"
    return rich


def text(summary: Summary) -> str:
    """summary.md."""
    title = TITLES[summary.study.sheet].format(who=summary.first)
    lines = [f"# {title}", "\n".join(f"- {fact}" for fact in facts(summary))]
    lines.append(f"![{title}](figure.svg)")
    for table in sections.tables(summary):
        lines += [f"## {table.title}", markdown(table)]
    lines.append("Every number stands unrounded in summary.json.")
    return "\n\n".join(lines) + "\n"


def facts(summary: Summary) -> list[str]:
    """How much was rated by whom, and what the numbers leave out."""
    collected, study = summary.collected, summary.study
    rated = {one.target for one in collected.people}
    texts = len(collected.targets)
    people = len({one.rater for one in collected.people})
    several = len({one.item for one in collected.people}), len(study.items)
    found = [
        f"{len(rated):,} of {texts:,} texts, in {several[0]:,} of {several[1]:,} items, are rated:"
        f" {len(collected.people):,} ratings of {people:,} people"
        f" (sheet={study.sheet}, study {study.digest[:8]})."
    ]
    if not collected.people:
        found = [
            f"No person has rated yet; what follows is {summary.first}'s alone (study {study.digest[:8]})."
        ]
    elif not summary.agreement:
        found.append("Nobody rated what another person had rated, so there is no agreement to tell.")
    idle = len(collected.joined) - people
    if idle > 0:
        found.append(f"{idle:,} who joined rated nothing.")
    if left := collected.skipped:
        found.append(f"{left:,} text(s) were skipped by somebody; they are in no number of that rater.")
    if collected.flagged:
        found.append(f"{collected.flagged:,} rating(s) carry a flag.")
    if collected.notes:
        found.append(f"{collected.notes:,} carry a note: mode=export writes them out.")
    return found


def bars(summary: Summary) -> Bars:
    """The figure of people's ratings, or of the first judge's where no person rated."""
    scale, title = summary.study.scale, TITLES[summary.study.sheet].format(who=summary.first)
    if summary.preferences:
        rows = [
            Bar(row.owner, (row.won, row.tied, row.lost)) for row in summary.preferences[summary.first].owners
        ]
        caption = "Share of an owner's comparisons; the number of comparisons stands in the bars."
        return Bars(title, caption, ("won", "tied", "lost"), {"": rows})
    panels: dict[str, list[Bar]] = {}
    for row in summary.counts[summary.first]:
        paper = tuple(map(float, row.paper.values())) if row.paper else None
        panel = panels.setdefault(standings.PARTS.get(row.part, row.part), [])
        panel.append(Bar(row.owner, tuple(row.counts.values()), paper))
    levels = tuple(f"{level.letter}: {level.name}" for level in scale.levels)
    caption = "Share of the rated texts; the number of texts stands in the bars."
    if any(bar.paper for rows in panels.values() for bar in rows):
        caption += " Thinner bars: the paper's counts (arXiv 2304.14402), of other raters and texts."
    if len(panels) == 1:
        return Bars(title, caption, levels, {"": next(iter(panels.values()))})
    return Bars(title, caption, levels, panels)


def record(summary: Summary) -> dict[str, Any]:
    """summary.json."""
    study = summary.study
    return {
        "format": FORMAT,
        "study": {
            "digest": study.digest, "sheet": study.sheet, "scale": dataclasses.asdict(study.scale),
            "seed": study.seed, "overlap": study.overlap, "raters_per_item": study.raters_per_item,
            "items": len(study.items), "texts": len(summary.collected.targets),
        },
        "bootstrap": dataclasses.asdict(summary.bootstrap),
        "facts": facts(summary),
        "counts": _plainly(summary.counts),
        "preferences": _plainly(summary.preferences),
        "agreement": {"people": _plainly(summary.agreement), "judges": _plainly(summary.judges)},
        "raters": _plainly(summary.raters),
        "differences": _plainly(summary.compared),
        "disputed": _plainly(summary.disputed),
    }  # fmt: skip


def _plainly(value: Any) -> Any:
    """Dataclasses as mappings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: _plainly(one) for key, one in value.items()}
    return [_plainly(one) for one in value] if isinstance(value, list) else value
