"""Chapter: what the students learned from (paper section 3.3, Tables 1 and 2, Figures 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from lamini.analysis import rulers, sections
from lamini.analysis.rows import COLUMNS
from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison.blocks import Block, Chapter, Listing, Missing, Text
from lamini.comparison.dataset.data_line import analyze_line
from lamini.comparison.dataset.semantic_map import semantic_map
from lamini.comparison.herd import Herd, Member, Tree
from lamini.comparison.names import hexadecimal
from lamini.comparison.ratings import rated, rated_tables
from lamini.comparison.ratings.bars import bars_of
from lamini.config import Contamination, Diversity, NearDuplicates
from lamini.rating.summary.figure import Bar, Bars
from lamini.rating.summary.paper import published

FORMAT = 1  # of report.json
LEVELS = ("A: valid and satisfying", "B: minor errors", "C: major errors", "D: invalid")
MOST = 3  # data sets without a report whose line is told
RATE = "python rate.py answers=<pairs> sheet=pairs"


def chapter(herd: Herd) -> Chapter:
    """Every data set with a report, those without, how people rated them, and the paper's tables."""
    blocks: list[Block] = []
    several = len(herd.analysis) > 1
    for fingerprint, report in herd.analysis.items():
        blocks += of_report(herd, fingerprint, report, several)
    blocks += missing(herd)
    studies = rated.of_sheet(herd, "pairs")
    blocks += [block for tree in studies for block in rated.study(herd, tree)]
    if not studies:
        blocks.append(
            Missing("Ratings of the data by people; mode=summary at the end of the line sums them up.", RATE)
        )
    return Chapter("dataset", "Dataset", blocks + (paper() if herd.paper else []))


def of_report(herd: Herd, fingerprint: str, report: Tree, several: bool) -> list[Block]:
    """Tables and map of one report; with `several` their names say of which data they are."""
    if report.get("format") != FORMAT:
        told = (
            f"A report on data {fingerprint} that this version reads: it has format {report.get('format')}."
        )
        return [Missing(told, analyze_line(_data_of(herd, fingerprint)))]
    students = len(_trained_on(herd, fingerprint))
    who = f", on which {students:,} of the students were trained" if students else ""
    blocks: list[Block] = [Text(f"**Data {hexadecimal(fingerprint)}**{who}.")]
    blocks += [Listing(_named(table, fingerprint, several)) for table in tables(report)]
    drawing = semantic_map(report)
    if drawing is not None:
        blocks.append(replace(drawing, name=f"{drawing.name}_{fingerprint[:8]}") if several else drawing)
    return blocks


def tables(report: Tree) -> Iterator[Table]:
    """The tables of a report, as analyze.py wrote them, from its numbers."""
    parts, config = report["parts"], report["config"]
    diversity = _options(Diversity, config["diversity"])
    yield sections.lengths(parts["lengths"], rulers.label(config["tokenizer"]))
    for side in COLUMNS:
        yield sections.diversity(parts["diversity"], side, diversity)
    near = config.get("near")
    yield sections.repeats(parts["repeats"], _options(NearDuplicates, near) if near else None)
    if "semantic" in parts:
        yield sections.semantic(parts["semantic"])
    if "contamination" in parts:
        yield from sections.contamination(
            parts["contamination"], _options(Contamination, config["contamination"])
        )


def _options(kind: Any, values: Tree) -> Any:
    """The options of a report; those of a later version are none of this one's."""
    known = kind.__dataclass_fields__
    return kind(**{name: value for name, value in values.items() if name in known})


def _named(table: Table, fingerprint: str, several: bool) -> Table:
    if not several:
        return table
    return replace(
        table, name=f"{table.name}_{fingerprint[:8]}", title=f"{table.title}, data {fingerprint[:8]}"
    )


def missing(herd: Herd) -> list[Block]:
    """Data that students were trained on and that nobody looked at."""
    prints = dict.fromkeys(member.data for member in herd.members if member.data)
    without = [one for one in prints if one not in herd.analysis]
    found: list[Block] = [
        Missing(f"A report on data {one}.", analyze_line(_data_of(herd, one))) for one in without[:MOST]
    ]
    if more := without[MOST:]:
        found.append(Text(f"{len(more):,} more sets of pairs that students were trained on have no report."))
    if not prints and not herd.analysis:
        found.append(Missing("A report on the data.", analyze_line(None)))
    return found


def _trained_on(herd: Herd, fingerprint: str) -> list[Member]:
    return [member for member in herd.members if member.data == fingerprint]


def _data_of(herd: Herd, fingerprint: str) -> Tree | None:
    """The key `data` of a run on it."""
    told = (member.config.get("data") for member in _trained_on(herd, fingerprint))
    return next((one for one in told if one), None)


def paper() -> list[Block]:
    """Tables 1 and 2 and Figure 3 as the paper has them."""
    known = sections.published()
    return [
        Text(
            "**In the paper** (arXiv 2304.14402) nothing was deduplicated or filtered. Its Figure 2 is a map"
            " without published coordinates: analyze.py draws one of any data, with a number for each set."
        ),
        Listing(table1(known["table1"])),
        Listing(table2(known["table2"])),
        *figure3(),
    ]


def table1(known: Tree) -> Table:
    """Pairs and lengths as published."""
    columns = [Column("set"), Column("pairs (M)", ".2f")]
    for side in COLUMNS:
        columns += [Column(f"{side} tokens (M)", ".2f"), Column(f"{side} mean", ".2f")]
    rows: list[Sequence[Cell]] = [
        [name, row["pairs"], *(row[side][what] for side in COLUMNS for what in ("tokens", "mean"))]
        for name, row in known.items()
    ]
    note = "Millions; the paper does not say whose tokens these are."
    return Table("paper_table1", "Pairs and lengths, in the paper (Table 1)", columns, rows, [note])


def table2(known: Tree) -> Table:
    """Lexical diversity as published."""
    columns = [Column("set"), *(Column(f"{side}s", ".2f") for side in COLUMNS)]
    rows = [[name, *(row[side] for side in COLUMNS)] for name, row in known.items()]
    return Table("paper_table2", "MATTR x100, in the paper (Table 2)", columns, rows, ["Window of 50 words."])


def figure3() -> list[Block]:
    """How people rated the paper's data."""
    parts = {part: published("pairs", part) for part in COLUMNS}
    panels = {
        f"{part}s": [Bar(name, tuple(map(float, counts))) for name, counts in told.items()]
        for part, told in parts.items()
    }
    title = "How people rated 400 pairs of each source (paper Figure 3)"
    caption = (
        "Share of the rated texts; their number stands in the bars. Some rows do not sum to 400 there either."
    )
    alt = (
        "Stacked bars of seven sources by levels A to D. Nearly all instructions are rated A; of the"
        " responses to collected P3 and FLAN prompts one in eight is rated C or D."
    )
    rows = [
        [part, *rated_tables.published_line(name, counts)]
        for part, told in parts.items()
        for name, counts in told.items()
    ]
    columns = [Column("part"), *rated_tables.level_columns("ABCD")]
    columns[1] = Column("set")
    note = "Intervals of 95 % are Wilson's, worked out here."
    table = Table(
        "paper_figure3_counts", "Ratings of the data, in the paper (Figure 3)", columns, rows, [note]
    )
    return [bars_of(Bars(title, caption, LEVELS, panels), "paper_figure3", alt, {}), Listing(table)]
