"""The shingles of every row on disk, for comparing two rows exactly: 8 bytes a word, none of it in memory.

Suffixes: N rows, S shingles of one batch.
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
        """Add the rows of a batch: their shingles, and where each row's begin in them.

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
        sizes_N = np.concatenate([np.zeros(1, np.int64), *self._sizes])
        self._sizes.clear()
        self.offsets = np.cumsum(sizes_N)
        shape = (int(self.offsets[-1]),)
        self.flat: np.ndarray = (
            np.memmap(self._file, np.uint64, "r", shape=shape) if shape[0] else np.empty(0, np.uint64)
        )

    def of(self, row: int) -> set[int]:
        """The different shingles of a row."""
        found: list[int] = self.flat[self.offsets[row] : self.offsets[row + 1]].tolist()
        return set(found)

    def _refused(self, error: OSError) -> UserError:
        return UserError(
            f"{self.folder} cannot take the shingles that curation.near compares: {reason(error)}"
        )


def jaccard(one: set[int], other: set[int]) -> float:
    """Shared shingles of all shingles: {1, 2, 3} and {2, 3, 4} share 2 of 4, 0.5."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
