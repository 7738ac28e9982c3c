"""The shingles of every row on disk, for comparing two rows exactly: 8 bytes a word, none of it in memory.

Suffixes: N rows, S shingles, C rows compared with one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from lamini.errors import UserError
from lamini.runs import reason


class Store:
    """Append batches, `close`, then read rows. The file is nameless and goes with the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sizes: list[np.ndarray] = []
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as this object
        except OSError as error:
            raise self._refused(error) from error

    def append(self, hash_S: np.ndarray, offsets: np.ndarray) -> None:
        """Add the rows of a batch: their shingles (ascending, each once), and where each row's begin.

        Raises:
            UserError: the disk is full.
        """
        try:
            self._file.write(hash_S.tobytes())
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error
        self._sizes.append(np.diff(offsets))

    def close(self) -> None:
        """No more rows will come."""
        self.sizes_N = np.concatenate([np.empty(0, np.int64), *self._sizes])
        self._sizes.clear()
        self.offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.sizes_N)))
        shape = (int(self.offsets[-1]),)
        self.flat: np.ndarray = (
            np.memmap(self._file, np.uint64, "r", shape=shape) if shape[0] else np.empty(0, np.uint64)
        )

    def similarities(self, row: int, other_C: np.ndarray) -> np.ndarray:
        """Exact Jaccard similarities of a row to others, float64 (C,): shared shingles of all shingles.

        A row with the shingles 1, 2, 3 and another with 2, 3, 4 share 2 of 4: 0.5.
        """
        own = self.flat[self.offsets[row] : self.offsets[row + 1]]
        size_C = self.sizes_N[other_C]
        first_C = np.cumsum(size_C) - size_C
        shingle_S = self.flat[np.repeat(self.offsets[other_C] - first_C, size_C) + np.arange(size_C.sum())]
        place_S = np.minimum(np.searchsorted(own, shingle_S), len(own) - 1)
        shared_C = np.add.reduceat(own[place_S] == shingle_S, first_C, dtype=np.int64)
        similarity_C: np.ndarray = shared_C / (len(own) + size_C - shared_C)
        return similarity_C

    def _refused(self, error: OSError) -> UserError:
        return UserError(
            f"{self.folder} cannot take the shingles that near-duplicates are compared by: {reason(error)}"
        )
