"""A .npy file that grows: numpy's format, written before its length is known.

`np.lib.format.open_memmap` wants the length first, and holding 2.58M rows to learn it is what the
cache avoids. Headers written by numpy leave room for a longer shape, so the final one fits over the
first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


class ArrayWriter:
    """Appends to a one-dimensional .npy file; the file is valid after `close`."""

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.size = 0
        self._stream = path.open("wb")
        self._header()
        self._start = self._stream.tell()

    def append(self, values: ArrayLike) -> None:
        """Add values of shape (n,).

        Raises:
            OverflowError: a value that the dtype cannot hold.
        """
        array = np.asarray(values, dtype=self.dtype)
        self._stream.write(array.tobytes())
        self.size += array.size

    def close(self) -> None:
        """Write the final header and close the file."""
        try:
            self._stream.seek(0)
            self._header()
            assert self._stream.tell() == self._start, "the header outgrew its room"
        finally:
            self._stream.close()

    def _header(self) -> None:
        described = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.size,),
        }
        np.lib.format.write_array_header_1_0(self._stream, described)
