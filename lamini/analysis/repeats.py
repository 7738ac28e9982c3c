"""How many instructions of a set are different: exact repeats and near-duplicates (the paper kept its 70K).

The same rules as in curation: exact repeats are equal after Unicode composition and with every run of
blanks as one; near-duplicates are at or above a Jaccard similarity of their word n-grams. So these are the
rows that `curation.exact` and `curation.near` would drop.

Suffixes: N rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lamini.analysis.rows import ALL, Rows
from lamini.analysis.workers import Progress, each
from lamini.config import NearDuplicates
from lamini.curation.exact import instruction_key, repeats


def exact(sets: list[Rows], processes: int) -> tuple[dict[str, dict[str, Any]], np.ndarray]:
    """Set (and `all`, where there are several) -> instructions, unique, most_frequent; all keys (N,)."""
    found = each(keys, [(rows,) for rows in sets], [rows.count for rows in sets], processes, "repeats")
    result = {rows.name: _counted([rows], key_N) for rows, key_N in zip(sets, found, strict=True)}
    key_N = np.concatenate(found)
    return result | ({ALL: _counted(sets, key_N)} if len(sets) > 1 else {}), key_N


def keys(rows: Rows) -> np.ndarray:
    """The hash of every instruction, uint64 (N,)."""
    hashes = (instruction_key(text, 0) for texts in rows.texts("instruction") for text in texts)
    return np.fromiter(hashes, np.uint64, rows.count)


def _counted(sets: list[Rows], key_N: np.ndarray) -> dict[str, Any]:
    _, first, count = np.unique(key_N, return_index=True, return_counts=True)
    most = int(np.lexsort((first, -count))[0])
    place = int(first[most])
    for rows in sets:
        if place < rows.count:
            break
        place -= rows.count
    text = rows.table()["instruction"][place].as_py()
    frequent = {"count": int(count[most]), "text": text}
    return {"instructions": len(key_N), "unique": len(first), "most_frequent": frequent}


def near(sets: list[Rows], key_N: np.ndarray, options: NearDuplicates, cache_dir: Path) -> dict[str, int]:
    """Set (and `all`, as above) -> different instructions near an earlier one of its set (`all`: of any).

    Two passes: one compares only rows of the same set, the other all rows. One after the other, because
    each holds about a gigabyte at 2.58M rows.
    """
    starts = np.cumsum([rows.count for rows in sets])[:-1]
    alive_N = np.concatenate([repeats(own_N) < 0 for own_N in np.split(key_N, starts)])
    found = np.split(near_rows(sets, True, alive_N, options, cache_dir), starts)
    counts = {rows.name: int(own.sum()) for rows, own in zip(sets, found, strict=True)}
    if len(sets) > 1:
        counts[ALL] = int(near_rows(sets, False, repeats(key_N) < 0, options, cache_dir).sum())
    return counts


def near_rows(
    sets: list[Rows], apart: bool, alive_N: np.ndarray, options: NearDuplicates, cache_dir: Path
) -> np.ndarray:
    """Which rows nearly repeat an earlier one, bool (N,); `apart` compares within each set only."""
    from lamini.curation.near import Index

    total, done = len(alive_N), 0
    progress = Progress(f"near-duplicates {'in each set' if apart else 'in all sets'}", total, "rows")
    index = Index(options, cache_dir)
    for number, rows in enumerate(sets):
        for texts in rows.texts("instruction"):
            group_N = np.full(len(texts), number if apart else 0, np.uint64)
            index.add(pa.array(texts, pa.large_string()), group_N)
            done += len(texts)
            progress.at(done)
    index.close(alive_N)
    return index.duplicates()[0] >= 0
