"""What a format does: write a student into a folder, and answer from that folder by its own runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.students.protocol import Student

Ids = list[int]


class Format(ABC):
    """One format with the options of a line."""

    name: str
    least: float  # share of the parity answers that must be the same
    runtime: str  # what answers

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What decides the files: another value is another export."""

    @abstractmethod
    def write(self, student: Student, source: Path, folder: Path) -> dict[str, str]:
        """Fill the empty `folder` with what becomes of the Hugging Face folder `source`.

        Returns:
            Versions of what wrote it.

        Raises:
            UserError: it cannot be written, with the tool's own last words.
        """

    @abstractmethod
    def answer(self, student: Student, folder: Path, prompts: Sequence[Ids], room: int) -> list[Ids]:
        """New ids that the written model gives greedily, at most `room` for each prompt.

        Raises:
            UserError: the runtime does not read the folder.
        """
