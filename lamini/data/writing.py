"""How cached arrays are written: a folder is there when it is complete, a .npy file may grow.

`np.lib.format.open_memmap` wants the length first, and holding 2.58M rows to learn it is what the
cache avoids. Headers written by numpy leave room for a longer shape, so the final one fits over the
first.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


def build_folder(folder: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    """Have `write` fill a draft, add what it returns as meta.json, and give the draft its name.

    What stands under that name, and drafts that a killed process left, are removed. Called under a lock.
    """
    for stale in folder.parent.glob(f"{folder.name}.building*"):
        shutil.rmtree(stale, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}.building", dir=folder.parent))
    try:
        meta = write(draft)
        with (draft / "meta.json").open("w", encoding="utf-8") as stream:
            json.dump(meta, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        draft.chmod(0o755)  # mkdtemp makes it private, a cache is shared
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


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
