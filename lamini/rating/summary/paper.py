"""The paper's own counts (Figures 3 and 5, Table 5), to stand beside ours where the paper has a name too."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("paper.yaml")

Counts = dict[str, list[int]]
"""Owner -> how often each level, best first; in the paper's order."""


@lru_cache
def _told() -> dict[str, dict[str, Counts]]:
    told: dict[str, dict[str, Counts]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return told


def published(sheet: str, part: str) -> Counts:
    """What the paper counted on such a sheet: Figure 5, Figure 3 or Table 5; nothing for preferences."""
    if sheet == "responses":
        return _told()["figure5"].get(part, {})
    if sheet == "pairs":
        return _told()["figure3"].get(part, {})
    return _rejected() if sheet == "hallucination" else {}


def _rejected() -> Counts:
    from lamini.evaluation.hallucination.table import paper

    table: dict[str, Any] = paper()
    asked = table["questions"] * len(table["columns"])
    return {name: [asked - sum(counts), sum(counts)] for name, counts in table["rows"].items()}


def published_of(sheet: str, part: str, owner: str) -> tuple[str, list[int]] | None:
    """The paper's name and counts of an owner that is called as one of its models, in whatever case.

    Only the name counts: `flan-t5-small` may be Google's or a student of ours, and is neither's number.
    """
    for name, counts in published(sheet, part).items():
        if name.lower() == owner.lower():
            return name, counts
    return None
