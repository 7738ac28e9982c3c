"""KL(teacher || student): the student covers all that the teacher would say (Hinton et al. 2015).

Mass-covering: a small student spreads over modes that it cannot tell apart. At temperature 1 the gradient is
that of cross-entropy on the teacher's distribution instead of its one text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.training.objectives.options import Distillation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class ForwardKL(Distillation):
    """KL(teacher || student) of every response token."""

    def divergence(self, teacher_RC: Tensor, student_RC: Tensor) -> Tensor:
        """sum p (log p - log q), (R,)."""
        return (teacher_RC.exp() * (teacher_RC - student_RC)).sum(-1)
