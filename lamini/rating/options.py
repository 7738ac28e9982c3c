"""The choices of `sheet=`: one dataclass each, named by `_target_` in conf/sheet/*.yaml.

`check` answers before anything is read; `items` reads what is rated, and says what is left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamini.data.files import check_pairs
from lamini.errors import UserError
from lamini.rating import reading
from lamini.rating.study import Item

Items = tuple[list[Item], list[str]]
"""Items without keys, and sentences about what is not among them."""


class Sheet(ABC):
    """What every sheet can do."""

    name: str  # of the sheet, and of its scale in scales.yaml

    def check(self, answers: Any) -> list[Path]:
        """The files that are rated.

        Raises:
            UserError: there are none, or a key of the sheet cannot be.
        """
        return reading.places(answers)

    @abstractmethod
    def items(self, answers: Any, seed: int) -> Items:
        """Everything that is rated.

        Raises:
            UserError: what is wrong with the files, in one sentence.
        """


@dataclass
class ResponsesSheet(Sheet):
    """All students' responses to an instruction (paper Figure 5)."""

    common: bool  # take the instructions that all students were asked, where some were asked others as well

    name = "responses"

    def items(self, answers: Any, seed: int) -> Items:
        """See `Sheet`."""
        from lamini.rating.sheets import responses

        return responses.items(reading.read(self.check(answers)), self.common)


@dataclass
class HallucinationSheet(ResponsesSheet):
    """Answers to questions that nobody can answer (paper section 6)."""

    name = "hallucination"


@dataclass
class PreferenceSheet(Sheet):
    """Two responses side by side."""

    common: bool  # as for responses
    against: str | None  # student that all others are compared with; null: everybody with everybody
    comparisons: int | None  # pairs of an instruction, drawn by seed; null: all

    name = "preference"

    def check(self, answers: Any) -> list[Path]:
        """See `Sheet`."""
        if self.comparisons is not None and self.comparisons < 1:
            raise UserError(f"sheet.comparisons={self.comparisons} must be at least 1, or null for all pairs")
        return reading.places(answers)

    def items(self, answers: Any, seed: int) -> Items:
        """See `Sheet`."""
        from lamini.rating.sheets import preference

        answered = reading.read(self.check(answers))
        return preference.items(answered, self.common, self.against, self.comparisons, seed)


@dataclass
class PairsSheet(Sheet):
    """Instruction and response of pairs of a data set (paper Figure 3)."""

    each: int  # pairs of every source, drawn by seed

    name = "pairs"

    def check(self, answers: Any) -> list[Path]:
        """See `Sheet`; a folder of shards is one data set."""
        if self.each < 1:
            raise UserError(f"sheet.each={self.each} must be at least 1")
        if not isinstance(answers, str) or not answers:
            raise UserError(f"{reading.KEY}={answers} must name one file or folder of pairs for sheet=pairs")
        check_pairs(answers, reading.KEY)
        return [Path(answers).expanduser()]

    def items(self, answers: Any, seed: int) -> Items:
        """See `Sheet`."""
        from lamini.rating.sheets import pairs

        self.check(answers)
        return pairs.items(answers, self.each, seed)
