"""The near-duplicate index against exact Jaccard similarities, on the data at hand.

Some rows are drawn and compared exactly with every other row, at the price of one pass over the shingles on
disk. Recall is the share of the truly similar pairs that the index would have compared; precision that of the
pairs it compares which are truly similar (the others cost time, not rows: each pair is compared exactly
before a row is dropped). The draw has a seed of its own, so the same data gives the same numbers.

Suffixes: N rows, D drawn rows, S shingles of some rows, U shingles of the drawn rows, C rows alike to one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lamini.curation.near import Index
from lamini.curation.store import Store

DRAWN = 500
ROWS = 5_000  # compared with the drawn ones at a time
HITS = 5_000_000  # shared shingles counted at a time
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
    drawn_D = np.sort(np.random.default_rng(0).choice(rows, min(drawn, len(rows)), replace=False))
    similar = _similar(index, drawn_D, alive_N, group_N)
    compared = both = 0
    for place, alike_C in enumerate(_alike(index, drawn_D)):
        compared += len(alike_C)
        both += len(np.intersect1d(alike_C, similar[place], assume_unique=True))
    return Agreement(len(drawn_D), sum(map(len, similar)), compared, both)


def _similar(index: Index, drawn_D: np.ndarray, alive_N: np.ndarray, group_N: np.ndarray) -> list[np.ndarray]:
    """The rows that are exactly similar to each drawn row, itself left out."""
    found: list[list[np.ndarray]] = [[np.empty(0, np.int64)] for _ in drawn_D]
    size_D = index.store.sizes_N[drawn_D]
    for first, shared_ND in _shared(index.store, drawn_D):
        rows = np.arange(first, first + len(shared_ND))
        union_ND = index.store.sizes_N[rows][:, None] + size_D - shared_ND
        same_ND = alive_N[rows][:, None] & (group_N[rows][:, None] == group_N[drawn_D])
        near_ND = same_ND & (shared_ND >= index.options.threshold * union_ND) & (rows[:, None] != drawn_D)
        for place in np.flatnonzero(near_ND.any(axis=0)).tolist():
            found[place].append(rows[near_ND[:, place]])
    return [np.concatenate(parts) for parts in found]


def _shared(store: Store, drawn_D: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The first row of a part, and how many shingles its rows share with each drawn row, int64 (N, D)."""
    size_D = store.sizes_N[drawn_D]
    own = [store.flat[store.offsets[row] : store.offsets[row + 1]] for row in drawn_D]
    hash_U = np.concatenate([np.empty(0, np.uint64), *own])
    order = np.argsort(hash_U, kind="stable")
    hash_U, owner_U = hash_U[order], np.repeat(np.arange(len(drawn_D)), size_D)[order]
    known = np.zeros(int(MASK) + 1, bool)
    known[hash_U & MASK] = True
    for first in range(0, len(store.sizes_N), ROWS):
        size_N = store.sizes_N[first : first + ROWS]
        start = store.offsets[first]
        hash_S = np.asarray(store.flat[start : start + size_N.sum()])
        row_S = np.repeat(np.arange(len(size_N)), size_N)
        likely = known[hash_S & MASK]
        counts = _counts(hash_S[likely], row_S[likely], hash_U, owner_U, (len(size_N), len(drawn_D)))
        yield first, counts


def _counts(
    hash_S: np.ndarray, row_S: np.ndarray, hash_U: np.ndarray, owner_U: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """How often each row and each drawn row have a shingle in common, int64 (N, D)."""
    counts = np.zeros(shape[0] * shape[1], np.int64)
    left_S = np.searchsorted(hash_U, hash_S)
    owners_S = np.searchsorted(hash_U, hash_S, "right") - left_S
    piece_S = np.cumsum(owners_S) // HITS
    for piece in range(int(piece_S[-1]) + 1 if len(piece_S) else 0):
        own = piece_S == piece
        number = owners_S[own]
        first = left_S[own] - (np.cumsum(number) - number)
        owner = owner_U[np.repeat(first, number) + np.arange(number.sum())]
        counts += np.bincount(np.repeat(row_S[own], number) * shape[1] + owner, minlength=len(counts))
    return counts.reshape(shape)


def _alike(index: Index, drawn_D: np.ndarray) -> Iterator[np.ndarray]:
    """The rows that the index would compare with each drawn row, ascending (C,)."""
    bucket_DB = index.bucket_NB[drawn_D]
    wanted = np.zeros(index.buckets + 1, bool)
    wanted[bucket_DB[bucket_DB >= 0]] = True
    members = []
    for bucket_N in index.bucket_NB.T:
        rows = np.flatnonzero(wanted[bucket_N])  # -1 reads the last place, which nobody wants
        rows = rows[np.argsort(bucket_N[rows], kind="stable")]
        members.append((bucket_N[rows], rows))
    for row, bucket_B in zip(drawn_D.tolist(), bucket_DB, strict=True):
        parts = [np.empty(0, np.int64)]
        for bucket, (number, rows) in zip(bucket_B.tolist(), members, strict=True):
            if bucket >= 0:
                parts.append(rows[np.searchsorted(number, bucket) : np.searchsorted(number, bucket, "right")])
        other = np.unique(np.concatenate(parts))
        yield index.alike(row, other[other != row])
