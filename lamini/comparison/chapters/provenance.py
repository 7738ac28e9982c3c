"""Where every number of the book comes from: run folder, commit, data, configuration, and what scored it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lamini.analysis.tables import Cell, Column, Table
from lamini.comparison.beside import FOLDER
from lamini.comparison.blocks import Block, Chapter, Listing, Mark, Text, Where
from lamini.comparison.herd import Herd, Kind
from lamini.evaluation.benchmarks.significance import RESAMPLES

DIRTY = Mark("+", "with changes that were not committed")
PAPER = "arXiv 2304.14402, Tables 5, 6 and 9 to 14"


def chapter(herd: Herd) -> Chapter:
    """Last in the book."""
    blocks: list[Block] = [
        Text(
            f"Every number can be traced to one of these files. Resampling begins at seed {herd.seed}:"
            f" {herd.resamples:,} resamples of bootstrap intervals, {RESAMPLES:,} of permutation tests."
        )
    ]
    blocks += [trained(herd)] if any(member.kind is Kind.run for member in herd.members) else []
    blocks += [scored(herd)] if any(member.suites for member in herd.members) else []
    given = inputs(herd)
    blocks += [Listing(given)] if given.rows else []
    return Chapter("provenance", "Provenance", blocks)


def trained(herd: Herd) -> Listing:
    """Runs: folder, commit, versions, seed, configuration, data, and the words that were typed."""
    columns = [
        Column("student"), Column("folder"), Column("commit"), Column("lamini"), Column("torch"),
        Column("seed", "d"), Column("configuration"), Column("data"), Column("hardware"), Column("overrides"),
    ]  # fmt: skip
    rows: list[Sequence[Cell]] = []
    marks: dict[Where, Mark] = {}
    runs = [member for member in herd.members if member.kind is Kind.run]
    for number, member in enumerate(runs):
        told = member.record.get("provenance") or {}
        versions = told.get("versions") or {}
        rows.append([
            member.key, str(member.folder), _short(told.get("git_commit")), versions.get("lamini-herd"),
            versions.get("torch"), member.seed, told.get("config_hash"), member.data,
            _hardware(told.get("hardware") or {}), _overrides(member.folder),
        ])  # fmt: skip
        if told.get("git_dirty"):
            marks[number, 2] = DIRTY
    table = Table("provenance", "Runs", columns, rows)
    return Listing(table, marks, [member.key for member in runs])


def scored(herd: Herd) -> Listing:
    """One row a member and suite: the file, and what it depends on."""
    columns = [
        Column("student"), Column("suite"), Column("file"), Column("wrapper"), Column("rows of a task", ",d"),
        Column("lm-eval"), Column("lamini"), Column("weights"),
    ]  # fmt: skip
    rows: list[Sequence[Cell]] = []
    keys: list[str] = []
    for member in herd.members:
        for suite, tree in member.suites.items():
            versions = tree.get("versions") or {}
            file = str(member.folder / "evaluation" / f"{suite}.json") if member.folder else PAPER
            rows.append([
                member.key, suite, file, _text(tree.get("wrapper")), tree.get("limit"),
                versions.get("lm_eval"), versions.get("lamini") or versions.get("lamini-herd"),
                _short(_weights(tree)),
            ])  # fmt: skip
            keys.append(member.key)
    notes = ["No number of rows: all that a task has. Weights: the beginning of their SHA-256."]
    return Listing(Table("results", "Results", columns, rows, notes), {}, keys)


def inputs(herd: Herd) -> Table:
    """Reports, ratings and answers that belong to the whole herd."""
    rows: list[Sequence[Cell]] = []
    for fingerprint, tree in herd.analysis.items():
        commit = (tree.get("provenance") or {}).get("git_commit")
        rows.append(["report of analyze.py", tree.get(FOLDER), f"data {fingerprint}", _short(commit)])
    for tree in herd.ratings:
        study = tree.get("study", {})
        rows.append(
            ["summary of rate.py", tree.get(FOLDER), f"{study.get('sheet')} {study.get('digest')}", None]
        )
    files: dict[str, int] = {}
    for row in herd.answers:
        files[row.get("file", "")] = files.get(row.get("file", ""), 0) + 1
    rows += [["answers", file, f"{count:,} answers", None] for file, count in files.items()]
    columns = [Column("what"), Column("where"), Column("of"), Column("commit")]
    return Table("inputs", "Reports, ratings and answers", columns, rows)


def _short(digest: Any) -> str | None:
    return str(digest)[:12] if digest else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _weights(tree: Any) -> str | None:
    """Digest of what was scored: benchmarks tell it of the student, probes beside it."""
    student = tree.get("student")
    return student.get("weights") if isinstance(student, dict) else tree.get("weights")


def _hardware(told: Any) -> str:
    gpus = told.get("gpus") or []
    return ", ".join(gpus) if gpus else f"{told.get('cores', '?')} cores, {told.get('machine', '?')}"


def _overrides(folder: Path | None) -> str | None:
    """What was typed behind `python train.py`, without what the entry added."""
    if folder is None:
        return None
    try:
        words = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
        return " ".join(
            str(word).lstrip("+") for word in words if not str(word).lstrip("+").startswith("hydra.")
        )
    except (OSError, ValueError, TypeError, yaml.YAMLError):
        return None
