"""From measured parts to tables, with the paper's numbers beside ours where a set has the paper's name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lamini.analysis.overlaps import COVERED
from lamini.analysis.rows import ALL, COLUMNS
from lamini.analysis.tables import Cell, Column, Table
from lamini.config import Contamination, Diversity, NearDuplicates

PAPER_NOTE = "Paper: the published numbers of arXiv 2304.14402, for sets with the names of its seven."


@lru_cache
def published() -> dict[str, dict[str, Any]]:
    """The paper's numbers (paper.yaml)."""
    numbers: dict[str, dict[str, Any]] = yaml.safe_load(
        Path(__file__).with_name("paper.yaml").read_text("utf-8")
    )
    return numbers


def beside(table: str, sets: list[str]) -> dict[str, Any]:
    """The paper's row for each of our sets that it has; for `all` only where we have all seven."""
    known = published()[table]
    complete = set(known) <= {*sets, ALL}
    return {name: known[name] for name in sets if name in known and (name != ALL or complete)}


def lengths(part: dict[str, Any], ruler: str) -> Table:
    """Paper Table 1."""
    paper = beside("table1", list(part))
    columns = [Column("set"), Column("pairs", ",d")]
    for side in COLUMNS:
        columns += [Column(f"{side} tokens", ",d"), Column(f"{side} mean", ".2f")]
        columns += [Column(f"{side} mean, paper", ".2f")] if paper else []
        columns += [Column(f"{side} median", ",d"), Column(f"{side} 95 %", ",d")]
    rows: list[Sequence[Cell]] = []
    for name, row in part.items():
        cells: list[Cell] = [name, row["pairs"]]
        for side in COLUMNS:
            own = row[side]
            cells += [own["tokens"], own["mean"]]
            cells += [paper.get(name, {}).get(side, {}).get("mean")] if paper else []
            cells += [own["median"], own["p95"]]
        rows.append(cells)
    notes = [f"Tokens are {ruler}."] + ([PAPER_NOTE] if paper else [])
    return Table("lengths", "Pairs and lengths (paper Table 1)", columns, rows, notes)


def diversity(part: dict[str, Any], side: str, options: Diversity) -> Table:
    """Paper Table 2, for instructions or for responses."""
    paper = beside("table2", list(part))
    columns = [Column("set"), Column(options.units, ",d"), Column("MATTR", ".2f")]
    columns += [Column("MATTR, paper", ".2f")] if paper else []
    columns += [Column("MTLD", ".1f"), Column("distinct-1", ".3f"), Column("distinct-2", ".3f")]
    columns += [Column("compression", ".2f"), Column("sample", ",d")]
    rows: list[Sequence[Cell]] = []
    for name, both in part.items():
        own = both[side]
        cells: list[Cell] = [name, own["units"], None if own["mattr"] is None else 100 * own["mattr"]]
        cells += [paper.get(name, {}).get(side)] if paper else []
        cells += [own[key] for key in ("mtld", "distinct_1", "distinct_2", "compression", "sample")]
        rows.append(cells)
    what = "words and punctuation marks, case kept" if options.units == "marks" else "lower-case words"
    order = "in the order of the data" if options.order == "file" else "in a random order"
    notes = [
        f"Units are {what}. MATTR x100 over windows of {options.window} units that slide over all rows"
        f" {order}; {ALL} is mixed at random. MTLD (threshold {options.threshold:g}), distinct-n and"
        " compression (bytes / zlib's bytes, higher is more repetitive) of rows drawn at random until the"
        " sample is together."
    ]
    if len({both[side]["sample"] for both in part.values()}) > 1:
        notes.append(
            "The samples differ in size: distinct-n falls with size, so compare it between equal ones only."
        )
    title = f"Lexical diversity of the {side}s (paper Table 2)"
    return Table(f"diversity_{side}s", title, columns, rows, notes + ([PAPER_NOTE] if paper else []))


def repeats(part: dict[str, Any], options: NearDuplicates | None) -> Table:
    """Unique instructions, and near-duplicates where they were counted."""
    columns = [Column("set"), Column("instructions", ",d"), Column("unique", ",d"), Column("repeats", ".2%")]
    columns += [Column("near-duplicates", ",d"), Column("of unique", ".2%")] if options else []
    columns += [Column("most frequent", ",d"), Column("instruction")]
    rows: list[Sequence[Cell]] = []
    for name, own in part["exact"].items():
        cells: list[Cell] = [
            name,
            own["instructions"],
            own["unique"],
            1 - own["unique"] / own["instructions"],
        ]
        if options:
            near = part["near"][name]
            cells += [near, near / own["unique"]]
        often = own["most_frequent"]
        text = " ".join(often["text"].split())
        rows.append([*cells, often["count"], text if len(text) <= 60 else f"{text[:57]}..."])
    notes = ["Repeats: equal after Unicode composition and with every run of blanks as one."]
    if options:
        notes[0] += (
            f" Near-duplicates: unique instructions whose word {options.ngram}-grams have a Jaccard"
            f" similarity of {options.threshold:g} or more with an earlier one that stays, in the same"
            f" set (for {ALL}: in any)."
        )
    return Table("repeats", "Repeated instructions", columns, rows, notes)


def semantic(part: dict[str, Any]) -> Table:
    """Spread of meaning."""
    columns = [Column("set"), Column("rows", ",d"), Column("mean cosine distance", ".4f")]
    columns += [Column("from", ".4f"), Column("to", ".4f"), Column("Vendi score", ".1f")]
    rows: list[Sequence[Cell]] = [
        [name, own["rows"], own["distance"], *(own["bounds"] or (None, None)), own["vendi"]]
        for name, own in part["sets"].items()
    ]
    notes = [
        f"Vectors: {part['model']}. Mean over all pairs of different rows with a 95 % bootstrap interval;"
        f" Vendi score of {part['vendi_rows']:,} rows of each set. Compare within this table: other vectors,"
        " other numbers."
    ]
    return Table("semantic", "Spread of the instructions' meaning", columns, rows, notes)


def contamination(part: dict[str, Any], options: Contamination) -> list[Table]:
    """Test items found in the pairs: by task, and by task and set."""
    columns = [Column("task"), Column("items", ",d"), Column("looked for", ",d"), Column("overlap", ",d")]
    columns += [Column("share", ".2%"), Column("covered", ",d"), Column("share covered", ".2%")]
    columns += [
        Column("in instructions", ",d"),
        Column("in responses", ",d"),
        Column("wording left out", ",d"),
    ]
    rows: list[Sequence[Cell]] = []
    for task, own in part["tasks"].items():
        over, covered, looked = own["overlaps"], own["covered"], own["items"] - own["too_short"]
        shares = [over[ALL] / looked, covered[ALL], covered[ALL] / looked] if looked else [None, 0, None]
        sides = [over[side] for side in COLUMNS]
        rows.append([task, own["items"], looked, over[ALL], *shares, *sides, own["wording"]])
    notes = [
        f"Overlap: a run of {options.ngram} words of an item stands in a row (of a shorter text, the whole;"
        f" below {options.shortest} words it is not looked for). Covered: {COVERED:.0%} of the runs of one of"
        " its texts do. Shares are of the items looked for. Wording: runs that more than ten items of a task"
        " share. The items: contamination.jsonl."
    ]
    by_task = Table("contamination", "Test items found in the pairs", columns, rows, notes)
    names = list(part["rows"])
    columns = [Column("task"), *(Column(name, ",d") for name in names)]
    rows = [[task, *(own["overlaps"][name] for name in names)] for task, own in part["tasks"].items()]
    for side in COLUMNS:
        rows.append([f"rows whose {side} overlaps", *(part["rows"][name][side] for name in names)])
    title = "Overlapping test items by set, and rows that hold one"
    return [by_task, Table("contamination_sets", title, columns, rows)]
