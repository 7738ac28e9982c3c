"""Paper Table 1: pairs, tokens and lengths of every set, for instructions and responses.

Mean lengths are what the paper prints; the median and the 95th percentile beside them, because lengths are
skewed. They are exact: what the processes return is how often each length occurs.

Suffixes: L lengths 0, 1, 2, ...
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamini.analysis.counting import counts
from lamini.analysis.rows import ALL, BATCH, COLUMNS, Rows
from lamini.analysis.workers import each

PIECE = 10 * BATCH  # rows of one job


def lengths(sets: list[Rows], ruler: str, processes: int) -> dict[str, dict[str, Any]]:
    """Set (and `all`, where there are several) -> pairs and what is known of each column's lengths."""
    jobs = [
        (rows, column, start, ruler)
        for rows in sets
        for column in COLUMNS
        for start in range(0, rows.count, PIECE)
    ]
    sizes = [min(PIECE, rows.count - start) for rows, _, start, _ in jobs]
    found = each(occurrences, jobs, sizes, processes, "lengths")
    often: dict[tuple[str, str], np.ndarray] = {}
    for (rows, column, _, _), often_L in zip(jobs, found, strict=True):
        for name in (rows.name, ALL):
            often[name, column] = _added(often.get((name, column), np.zeros(0, np.int64)), often_L)
    names = [rows.name for rows in sets] + ([ALL] if len(sets) > 1 else [])
    return {
        name: {
            "pairs": int(often[name, COLUMNS[0]].sum()),
            **{column: _described(often[name, column]) for column in COLUMNS},
        }
        for name in names
    }


def occurrences(rows: Rows, column: str, start: int, ruler: str) -> np.ndarray:
    """How many of the PIECE texts from row `start` have 0, 1, 2, ... tokens, int64 (L,)."""
    texts = rows.table()[column].slice(start, PIECE)
    often_L = np.zeros(0, np.int64)
    for at in range(0, len(texts), BATCH):
        often_L = _added(often_L, np.bincount(counts(texts.slice(at, BATCH).to_pylist(), ruler)))
    return often_L


def _added(one_L: np.ndarray, other_L: np.ndarray) -> np.ndarray:
    total_L = np.zeros(max(len(one_L), len(other_L)), np.int64)
    total_L[: len(one_L)] += one_L
    total_L[: len(other_L)] += other_L
    return total_L


def _described(often_L: np.ndarray) -> dict[str, Any]:
    """Tokens, mean, quantiles and the histogram as pairs (length, texts) of the lengths that occur."""
    tokens, texts = int((often_L * np.arange(len(often_L))).sum()), int(often_L.sum())
    return {
        "tokens": tokens,
        "mean": tokens / texts,
        "median": _quantile(often_L, 0.5),
        "p95": _quantile(often_L, 0.95),
        "longest": len(often_L) - 1,
        "histogram": [[int(length), int(often_L[length])] for length in np.flatnonzero(often_L)],
    }


def _quantile(often_L: np.ndarray, share: float) -> int:
    """The shortest length that at least this share of the texts does not exceed."""
    return int(np.searchsorted(np.cumsum(often_L), share * often_L.sum(), side="left"))
