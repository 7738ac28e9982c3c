"""Lightning's way to the disk, hashed as it is written.

Lightning's own writer holds a whole checkpoint in memory twice before the first byte is on the disk. This one
writes tensor after tensor, so that a student needs no more memory to be saved than to be trained, and the
digest costs no second reading.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Any

import torch
from pytorch_lightning.plugins import TorchCheckpointIO


class HashingIO(TorchCheckpointIO):
    """`sha256` is the digest of the file that was written last, on the rank that writes."""

    def __init__(self) -> None:
        super().__init__()
        self.sha256 = ""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write the file and have it on the disk.

        Raises:
            OSError, RuntimeError: the disk is full; torch raises the latter, with the former as its context.
        """
        with Path(path).open("wb") as file:
            hashed = HashedFile(file)
            torch.save(checkpoint, hashed)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        self.sha256 = hashed.sha256.hexdigest()


class HashedFile:
    """What torch.save wants of a file; it writes from the first byte to the last and never goes back."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha256 = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Write and hash."""
        self.sha256.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        """Nothing is held back here."""
        self.file.flush()
