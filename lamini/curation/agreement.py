"""The near-duplicate index against exact Jaccard similarities, on the data at hand.

Some rows are drawn and compared exactly with every other row, at the price of one pass over the shingles on
disk. Recall is the share of the truly similar pairs that the index would have compared; precision that of the
pairs it compares which are truly similar (the others cost time, not rows: each pair is compared exactly
before a row is dropped). The draw has a seed of its own, so the same data gives the same numbers.

Suffixes: N rows, S shingles of a part of the rows, U different shingles of the drawn rows, H hits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lamini.curation.near import Index
from lamini.curation.store import jaccard

DRAWN = 500
PART = 2_000_000  # shingles looked at in one go
MASK = np.uint64((1 << 22) - 1)  # bits by which most shingles are seen to be none of the drawn rows'


@dataclass(frozen=True)
class Agreement:
    """Pairs of a drawn row and any other: `similar` exactly, `compared` by the index, and `both`."""

    drawn: int
    similar: int
    compared: int
    both: int

    @property
    def recall(self) -> float | None:
        """Of the similar pairs; None where there are none."""
        return self.both / self.similar if self.similar else None

    @property
    def precision(self) -> float | None:
        """Of the compared pairs; None where there are none."""
        return self.both / self.compared if self.compared else None


def agreement(index: Index, alive_N: np.ndarray, group_N: np.ndarray, drawn: int = DRAWN) -> Agreement:
    """Compare the closed index with exact similarities on `drawn` rows of those that are `alive`."""
    rows = np.flatnonzero(alive_N)
    chosen = np.sort(np.random.default_rng(0).choice(rows, min(drawn, len(rows)), replace=False))
    similar = {
        (one, other)
        for one, other in _overlapping(index, chosen, rows)
        if one != other and group_N[one] == group_N[other]
        and jaccard(index.store.of(one), index.store.of(other)) >= index.options.threshold
    }  # fmt: skip
    compared = _compared(index, chosen)
    return Agreement(len(chosen), len(similar), len(compared), len(similar & compared))


def _overlapping(index: Index, chosen: np.ndarray, rows: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of a chosen row and an alive one that share enough shingles to reach the threshold."""
    offsets, flat = index.store.offsets, index.store.flat
    shingle_sets = [index.store.of(int(row)) for row in chosen]
    size = np.array([len(found) for found in shingle_sets], np.int64)
    hash_U = np.fromiter((h for found in shingle_sets for h in found), np.uint64)
    owner_U = np.repeat(np.arange(len(chosen)), size)
    order = np.argsort(hash_U, kind="stable")
    hash_U, owner_U = hash_U[order], owner_U[order]
    seen = np.zeros(int(MASK) + 1, bool)
    seen[hash_U & MASK] = True
    alive = np.zeros(len(offsets) - 1, bool)
    alive[rows] = True
    pairs: set[tuple[int, int]] = set()
    first = 0
    while first < len(alive):
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + PART)) - 1)
        hash_S = np.asarray(flat[offsets[first] : offsets[last]])
        row_S = np.repeat(np.arange(first, last), np.diff(offsets[first : last + 1]))
        keep_S = seen[hash_S & MASK] & alive[row_S]
        row_H, owner_H = _hits(hash_S[keep_S], row_S[keep_S], hash_U, owner_U)
        key, shared = np.unique(row_H * len(chosen) + owner_H, return_counts=True)
        enough = shared >= index.options.threshold * size[key % len(chosen)] - 1e-9
        pairs.update((int(chosen[k % len(chosen)]), int(k // len(chosen))) for k in key[enough].tolist())
        first = last
    return pairs


def _hits(
    hash_S: np.ndarray, row_S: np.ndarray, hash_U: np.ndarray, owner_U: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every (row, drawn row) that share a shingle, once for each different shingle they share (H,)."""
    left, right = np.searchsorted(hash_U, hash_S), np.searchsorted(hash_U, hash_S, "right")
    found = right > left
    hash_S, row_S, left, right = hash_S[found], row_S[found], left[found], right[found]
    order = np.lexsort((hash_S, row_S))
    hash_S, row_S, left, right = hash_S[order], row_S[order], left[order], right[order]
    new = np.ones(len(row_S), bool)
    new[1:] = (row_S[1:] != row_S[:-1]) | (hash_S[1:] != hash_S[:-1])
    count = (right - left)[new]
    first = left[new] - (np.cumsum(count) - count)
    return np.repeat(row_S[new], count), owner_U[np.repeat(first, count) + np.arange(count.sum())]


def _compared(index: Index, chosen: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of a chosen row and another that share a band and whose sketches are close enough."""
    wanted = np.zeros(max(index.buckets, 1), bool)
    bucket = index.bucket_NB[chosen]
    wanted[bucket[bucket >= 0]] = True
    members: dict[int, list[int]] = {}
    for bucket_N in index.bucket_NB.T:
        hit = np.flatnonzero((bucket_N >= 0) & wanted[bucket_N])
        for row, number in zip(hit.tolist(), bucket_N[hit].tolist(), strict=True):
            members.setdefault(number, []).append(row)
    pairs: set[tuple[int, int]] = set()
    for row, own in zip(chosen.tolist(), bucket.tolist(), strict=True):
        others = sorted({other for number in own if number >= 0 for other in members[number]} - {row})
        pairs.update((row, other) for other in index.alike(row, np.array(others, np.int64)).tolist())
    return pairs
