"""The files of a report: report.md and report.json, tables as CSV and Markdown, figures as PNG and HTML.

Every file is written beside and renamed over, so a reader sees the old one or the new one. Tables and
figures of an earlier line with other parts are removed at the end: what stands in the folder belongs to the
report in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from lamini.analysis import rulers, sections
from lamini.analysis.rows import ALL, COLUMNS
from lamini.analysis.tables import Table, comma_separated, markdown
from lamini.config import AnalyzeConfig
from lamini.provenance import git_state
from lamini.runs import plain, write_atomically

FORMAT = 1
MATCHES = "contamination.jsonl"


def write(
    folder: Path, config: AnalyzeConfig, fingerprint: str, rejected: dict[str, int], parts: dict[str, Any]
) -> None:
    """Write all files.

    Raises:
        UserError: the disk is full; the old files are untouched.
    """
    tables = _tables(config, parts)
    drawn = _figures(folder, parts, rulers.label(config.tokenizer)) if config.figures else {}
    for table in tables:
        _place(folder / "tables" / f"{table.name}.csv", comma_separated(table))
        _place(folder / "tables" / f"{table.name}.md", markdown(table) + "\n")
    if "contamination" in parts:
        lines = (json.dumps(match, ensure_ascii=False) + "\n" for match in parts["contamination"]["matches"])
        _place(folder / MATCHES, "".join(lines))
    options = plain(config)
    _place(folder / "config.yaml", yaml.safe_dump(options, sort_keys=False, allow_unicode=True))
    record = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "provenance": git_state(Path(__file__).resolve()),
        "config": options,
        "rejected": rejected,
        "parts": _without_bulk(parts),
    }
    _place(folder / "report.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    _place(folder / "report.md", _text(fingerprint, rejected, parts, tables, drawn))
    _remove_strangers(
        folder, {f"{table.name}.{end}" for table in tables for end in ("csv", "md")}, set(drawn)
    )
    if "contamination" not in parts:
        (folder / MATCHES).unlink(missing_ok=True)


def _place(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)


def _tables(config: AnalyzeConfig, parts: dict[str, Any]) -> list[Table]:
    result = [sections.lengths(parts["lengths"], rulers.label(config.tokenizer))]
    result += [sections.diversity(parts["diversity"], side, config.diversity) for side in COLUMNS]
    result.append(sections.repeats(parts["repeats"], config.near))
    if "semantic" in parts:
        result.append(sections.semantic(parts["semantic"]))
    if "contamination" in parts:
        result += sections.contamination(parts["contamination"], config.contamination)
    return result


def _figures(folder: Path, parts: dict[str, Any], ruler: str) -> dict[str, str]:
    """File name -> title of what was drawn."""
    from lamini.analysis.draw_html import html
    from lamini.analysis.draw_png import png
    from lamini.analysis.figures import figures

    drawn: dict[str, str] = {}
    for figure in figures(parts, ruler):
        _place(folder / "figures" / f"{figure.name}.html", html(figure))
        write_atomically(folder / "figures" / f"{figure.name}.png", png(figure))
        drawn |= {f"{figure.name}.{ending}": figure.title for ending in ("html", "png")}
    return drawn


def _without_bulk(parts: dict[str, Any]) -> dict[str, Any]:
    """The parts without what has a file of its own: histograms and points (in parts/), matches."""
    slim = {name: dict(part) for name, part in parts.items()}
    slim["lengths"] = {
        name: {"pairs": row["pairs"], **{side: _less(row[side], "histogram") for side in COLUMNS}}
        for name, row in parts["lengths"].items()
    }
    for name, bulk in (("semantic", "points"), ("contamination", "matches")):
        if name in slim:
            slim[name] = _less(slim[name], bulk)
    return slim


def _less(part: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != key}


def _text(
    fingerprint: str,
    rejected: dict[str, int],
    parts: dict[str, Any],
    tables: list[Table],
    drawn: dict[str, str],
) -> str:
    lines = [f"# What is in data {fingerprint}", *_facts(rejected, parts)]
    for table in tables:
        lines += [f"## {table.title}", markdown(table)]
        lines += [f"![{drawn[f'{name}.png']}](figures/{name}.png)\n\n[interactive](figures/{name}.html)"
                  for name in BELOW.get(table.name, ()) if f"{name}.png" in drawn]  # fmt: skip
    lines.append(
        "Tables as CSV stand in tables/, every number in report.json, the configuration in config.yaml."
    )
    return "\n\n".join(lines) + "\n"


BELOW = {
    "lengths": ["lengths"],
    "diversity_responses": ["diversity"],
    "semantic": ["spread", "semantic_map"],
    "contamination": ["contamination"],
}
"""Table -> the figures that stand below it."""


def _facts(rejected: dict[str, int], parts: dict[str, Any]) -> list[str]:
    """What stands out, a line each."""
    whole = list(parts["lengths"])[-1]  # `all`, or the only set
    sets = max(len(parts["lengths"]) - 1, 1)
    exact = parts["repeats"]["exact"][whole]
    facts = [
        f"{exact['instructions']:,} pairs in {sets} set(s);"
        f" {exact['unique']:,} different instructions ({exact['unique'] / exact['instructions']:.1%})."
    ]
    if "near" in parts["repeats"]:
        near = parts["repeats"]["near"][whole]
        facts[0] += f" Of these, {near:,} ({near / exact['unique']:.1%}) nearly repeat another."
    if rejected:
        reasons = ", ".join(f"{count:,} {why}" for why, count in sorted(rejected.items()))
        facts.append(f"Rows set aside and in no table: {reasons}.")
    if "contamination" in parts:
        found = {task: own["overlaps"][ALL] for task, own in parts["contamination"]["tasks"].items()}
        hits = ", ".join(f"{task} {count:,}" for task, count in found.items() if count)
        facts.append(f"Test items that overlap: {hits}." if hits else "No test item overlaps.")
    if "semantic" in parts:
        facts.append(f"Vectors of the semantic map: {parts['semantic']['model']}.")
    return ["\n".join(f"- {fact}" for fact in facts)]


def _remove_strangers(folder: Path, tables: set[str], figures: set[str]) -> None:
    """Remove what an earlier line with other parts left in tables/ and figures/."""
    for name, known in (("tables", tables), ("figures", figures)):
        for path in (folder / name).glob("*"):
            if path.is_file() and path.name not in known:
                path.unlink()
