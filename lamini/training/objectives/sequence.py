"""The paper's objective (section 4.1): cross-entropy on the text that the teacher wrote.

Sequence-level distillation (Kim and Rush 2016): the teacher is known by its answers alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from lamini.config import TrainConfig
    from lamini.students.protocol import Student
    from lamini.training.objectives.objective import Objective
    from lamini.training.prepare import Prepared


@dataclass
class Sequence:
    """Cross-entropy on the teacher's text; it has no keys and asks no model."""

    def check(self) -> None:
        """Nothing can be wrong."""

    def fits(self, config: TrainConfig, student: Student) -> int:
        """No teacher, no bytes."""
        return 0

    def remark(self) -> str:
        """Nothing to say."""
        return ""

    def build(self, config: TrainConfig, prepared: Prepared, device: torch.device) -> Objective:
        """The objective."""
        from lamini.training.objectives.objective import Objective

        return Objective()

    trial = build
