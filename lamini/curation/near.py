"""Near-duplicates of instructions: who has one, which row it is, and how similar the two are, exactly.

Rows are gone through in their order. A row is dropped when its Jaccard similarity to an earlier row that
stays is at or above the threshold: candidates come from the bands of the MinHash sketches, and each is
compared exactly on its shingles before anything is dropped. So nothing below the threshold is lost, and no
chain of small changes swallows a family of texts. What can be missed is a duplicate that shares no band;
`agreement` measures how many.

Words are all that is seen. Prompts that ask two things about one long passage, or fill one long template with
two names, are near-duplicates here: of P3's prompts 18 % are at 0.8. Where they matter, raise the threshold.

Held in memory at 0.8 with 128 permutations: 128 bytes of sketch, 144 of bands and 72 of buckets a row, 0.9 GB
for 2.58M rows. The time goes with the rows times the candidates of a row: 10,000 rows of one template that
lie just below the threshold take half a minute, ten times as many a hundred times as long.

Suffixes: N rows, B bands, P slots, K buckets of a row, C candidates of a row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from lamini.config import NearDuplicates
from lamini.curation.shingles import LARGEST, shingles
from lamini.curation.sketches import band_hashes, layout, sketches, slots_needed
from lamini.curation.store import Store

FEW, MANY = (
    8,
    4096,
)  # candidates compared together: the first ones, among which most duplicates are, and the rest


class Index:
    """Sketches of all rows. `add` batches in order, `close`, then ask for `duplicates`."""

    def __init__(self, options: NearDuplicates, folder: Path) -> None:
        self.options = options
        self.store = Store(folder)
        self.needed = slots_needed(options.threshold, options.permutations)
        self._layout = layout(options.threshold, options.permutations)
        self._slots: list[np.ndarray] = []
        self._bands: list[np.ndarray] = []

    def add(self, texts: pa.Array, group_N: np.ndarray) -> None:
        """Take a batch; only rows of the same group (uint64) are ever compared.

        Raises:
            UserError: the disk is full.
        """
        for first in range(0, len(texts), LARGEST):
            hash_S, offsets = shingles(texts.slice(first, LARGEST), self.options.ngram)
            self.store.append(hash_S, offsets)
            slots_NP = sketches(hash_S, offsets, self.options.permutations)
            self._bands.append(band_hashes(slots_NP, *self._layout, group_N[first : first + LARGEST]))
            self._slots.append(slots_NP.astype(np.uint8))

    def close(self, alive_N: np.ndarray) -> None:
        """No more rows will come; those that are not `alive` (bool) take no part."""
        self.store.close()
        self.slots_NP = np.concatenate([np.empty((0, self.options.permutations), np.uint8), *self._slots])
        self._slots.clear()
        self.bucket_NB, self.buckets = _buckets(self._bands, alive_N, self._layout[0])
        self._bands.clear()

    def duplicates(self) -> tuple[np.ndarray, np.ndarray]:
        """The earlier row that each row repeats, int64 (N,), -1 if none, and the similarity, float32 (N,)."""
        original_N = np.full(len(self.slots_NP), -1, np.int64)
        similarity_N = np.zeros(len(self.slots_NP), np.float32)
        shared_NB = self.bucket_NB >= 0
        member = _Members(self.bucket_NB, self.buckets)
        for row in np.flatnonzero(shared_NB.any(axis=1)).tolist():
            bucket_K = self.bucket_NB[row][shared_NB[row]]
            original, similarity = self._first(row, self.alike(row, member.of(bucket_K)))
            if original >= 0:
                original_N[row], similarity_N[row] = original, similarity
            else:
                member.add(row, bucket_K)
        return original_N, similarity_N

    def alike(self, row: int, candidate_C: np.ndarray) -> np.ndarray:
        """The candidates whose sketches are close enough to be compared exactly, ascending, each once."""
        if not len(candidate_C):
            return candidate_C
        different_C = np.unique(candidate_C)
        agree_C = np.count_nonzero(self.slots_NP[different_C] == self.slots_NP[row], axis=1)
        return different_C[agree_C >= self.needed]

    def _first(self, row: int, candidate_C: np.ndarray) -> tuple[int, float]:
        """The first candidate at or above the threshold and its similarity; -1 and 0 where there is none."""
        for first, last in ((0, FEW), *((n, n + MANY) for n in range(FEW, len(candidate_C), MANY))):
            part_C = candidate_C[first:last]
            if len(part_C):
                similarity_C = self.store.similarities(row, part_C)
                near = np.flatnonzero(similarity_C >= self.options.threshold)
                if len(near):
                    return int(part_C[near[0]]), float(similarity_C[near[0]])
        return -1, 0.0


class _Members:
    """The rows of each bucket that stay so far: one flat array, because millions of lists take gigabytes."""

    def __init__(self, bucket_NB: np.ndarray, buckets: int) -> None:
        size = np.bincount(bucket_NB[bucket_NB >= 0], minlength=buckets)
        self._start = np.concatenate(([0], np.cumsum(size)))[:-1]
        self._filled = np.zeros(buckets, np.int32)
        self._rows = np.empty(int(size.sum()), np.int32)

    def of(self, bucket_K: np.ndarray) -> np.ndarray:
        """The rows in these buckets (C,), with repeats."""
        count_K = self._filled[bucket_K]
        used = np.flatnonzero(count_K)
        if not len(used):
            return np.empty(0, np.int32)
        count_K = count_K[used]
        first_K = self._start[bucket_K[used]] - (np.cumsum(count_K) - count_K)
        return self._rows[np.repeat(first_K, count_K) + np.arange(count_K.sum())]

    def add(self, row: int, bucket_K: np.ndarray) -> None:
        """Put a row into buckets, all of them different."""
        self._rows[self._start[bucket_K] + self._filled[bucket_K]] = row
        self._filled[bucket_K] += 1


def _buckets(chunks: list[np.ndarray], alive_N: np.ndarray, bands: int) -> tuple[np.ndarray, int]:
    """The number of each row's bucket in each band, int32 (N, B), and how many there are.

    Buckets of one row and rows that are not alive get -1. The hashes 5, 7, 5 of one band: 0, -1, 0.
    """
    bucket_NB = np.full((len(alive_N), bands), -1, np.int32)
    rows = np.flatnonzero(alive_N)
    count = 0
    for band in range(bands):
        hash_N = np.concatenate([np.empty(0, np.uint64), *(chunk[:, band] for chunk in chunks)])[rows]
        order = np.argsort(hash_N, kind="stable")
        sorted_N = hash_N[order]
        new = np.concatenate(([True], sorted_N[1:] != sorted_N[:-1])) if len(rows) else np.empty(0, bool)
        run = np.cumsum(new) - 1
        many = np.bincount(run, minlength=1)[run] > 1 if len(rows) else new
        if many.any():
            _, number = np.unique(run[many], return_inverse=True)
            bucket_NB[rows[order[many]], band] = count + number
            count += int(number.max()) + 1
    return bucket_NB, count
