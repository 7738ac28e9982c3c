"""What stands beside the book: tables as CSV, Markdown and LaTeX, figures as SVG and PNG, comparison.json.

    book.html              all of it, in one file
    tables/<name>.csv      numbers unrounded; .marks.csv: remarks on cells; .md and .tex: as people read them
    figures/<name>.svg     and .png
    comparison.json        members, what is missing, what was left out, and the files of this folder

Each file is written beside and renamed over. Files that comparison.json lists from an earlier time and that
nobody writes any more are removed; nothing else in the folder is touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lamini
from lamini.analysis.tables import comma_separated
from lamini.comparison import scores
from lamini.comparison.blocks import Chapter, Drawing, Listing, Missing
from lamini.comparison.figures.drawing import png, svg
from lamini.comparison.herd import Herd, Member
from lamini.comparison.writing.latex import latex
from lamini.comparison.writing.marks import marked, marks_separated
from lamini.provenance import git_state
from lamini.runs import write_atomically

FORMAT = 1
RECORD = "comparison.json"
BOOK = "book.html"


def write(
    folder: Path, book: str, chapters: Sequence[Chapter], herd: Herd, options: Mapping[str, Any]
) -> int:
    """Write everything; returns the number of files.

    Raises:
        UserError: the disk is full or refuses; every file is the old one or the new one.
    """
    before = _listed(folder)
    names = [BOOK]
    _place(folder / BOOK, book)
    for name, content in contents(chapters):
        assert name not in names, name
        _place(folder / name, content)
        names.append(name)
    _place(folder / RECORD, json.dumps(record(chapters, herd, options, names), indent=1, default=str) + "\n")
    for name in before - {*names, RECORD}:
        (folder / name).unlink(missing_ok=True)
    return len(names) + 1


def contents(chapters: Sequence[Chapter]) -> Iterator[tuple[str, str | bytes]]:
    """Name and content of every table and figure."""
    for chapter in chapters:
        for block in chapter.blocks:
            if isinstance(block, Listing):
                name = f"tables/{block.table.name}"
                yield f"{name}.csv", comma_separated(block.table)
                if block.marks:
                    yield f"{name}.marks.csv", marks_separated(block)
                yield f"{name}.md", f"{marked(block)}\n"
                yield f"{name}.tex", latex(block)
            elif isinstance(block, Drawing):
                yield f"figures/{block.name}.svg", svg(block)
                yield f"figures/{block.name}.png", png(block)


def record(
    chapters: Sequence[Chapter], herd: Herd, options: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """comparison.json."""
    return {
        "format": FORMAT,
        "lamini": lamini.__version__,
        "provenance": git_state(Path(__file__).resolve()),
        "config": dict(options),
        "members": [described(member) for member in herd.members],
        "left_out": list(herd.left_out),
        "chapters": [
            {
                "key": chapter.key,
                "title": chapter.title,
                "tables": [block.table.name for block in chapter.blocks if isinstance(block, Listing)],
                "figures": [block.name for block in chapter.blocks if isinstance(block, Drawing)],
                "missing": [
                    {"what": block.what, "command": block.command}
                    for block in chapter.blocks
                    if isinstance(block, Missing)
                ],
            }
            for chapter in chapters
        ],
        "files": [*names, RECORD],
    }


def described(member: Member) -> dict[str, Any]:
    """A member with its means, for programs."""
    told = member.record.get("provenance") or {}
    return {
        "key": member.key, "kind": member.kind.value, "folder": str(member.folder) if member.folder else None,
        "status": member.status, "student": member.student, "family": member.family, "size": member.size,
        "parameters": member.parameters, "architecture": member.architecture, "scratch": member.scratch,
        "seed": member.seed, "data": member.data, "base": member.base, "problems": list(member.problems),
        "git_commit": told.get("git_commit"), "config_hash": told.get("config_hash"),
        "means": {suite: scores.mean(member, suite) for suite in scores.benchmarks([member])},
    }  # fmt: skip


def _place(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)


def _listed(folder: Path) -> set[str]:
    """The files that an earlier comparison.json names, as far as they lie in the folder."""
    try:
        names = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        inside = {name for name in names if isinstance(name, str) and not Path(name).is_absolute()}
        return {name for name in inside if ".." not in Path(name).parts}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
