"""Small sets of rows on disk, and an AnalyzeConfig for them."""

from __future__ import annotations

from pathlib import Path

from lamini.analysis.rows import Rows, spill
from lamini.data.corpus import Source
from lamini.data.records import Pair, table


def rows(folder: Path, **sets: list[tuple[str, str]]) -> list[Rows]:
    """Sets by name from (instruction, response)."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [Pair(*texts, name) for name, own in sets.items() for texts in own]
    return spill([Source("toy", table(pairs))], folder)
