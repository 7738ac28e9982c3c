"""KL(student || teacher): the student says only what the teacher would (MiniLLM, Gu et al. 2024).

Mode-seeking: a small student keeps to the modes that it can hold. Here token by token on the teacher's text,
without MiniLLM's sampling from the student.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.training.objectives.options import Distillation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class ReverseKL(Distillation):
    """KL(student || teacher) of every response token."""

    def divergence(self, teacher_RC: Tensor, student_RC: Tensor) -> Tensor:
        """sum q (log q - log p), (R,)."""
        return (student_RC.exp() * (student_RC - teacher_RC)).sum(-1)
