"""Skewed KL (DistiLLM, Ko et al. 2024): KL to a mixture that holds a little of the first distribution.

    forward: KL(p || a p + (1 - a) q)        reverse: KL(q || a q + (1 - a) p)

The mixture is nowhere zero where the first is not, so that the gradient stays bounded. DistiLLM uses a = 0.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lamini.errors import UserError
from lamini.training.objectives.options import Distillation

if TYPE_CHECKING:
    from torch import Tensor


class Direction(Enum):
    """Which distribution the expectation is over."""

    forward = "forward"  # the teacher's
    reverse = "reverse"  # the student's


@dataclass
class SkewedKL(Distillation):
    """Skewed KL divergence of every response token."""

    skew: float  # share of the first distribution in the mixture
    direction: Direction  # forward: KL(teacher || mixture); reverse: KL(student || mixture)

    def check(self) -> None:
        """Raise UserError as `Distillation.check`, and for a skew outside."""
        if not 0 < self.skew < 1:
            raise UserError(
                f"objective.skew={self.skew} must lie between 0 and 1;"
                f" without a skew it is objective={self.direction.value}_kl"
            )
        super().check()

    def divergence(self, teacher_RC: Tensor, student_RC: Tensor) -> Tensor:
        """sum f (log f - log(a f + (1 - a) g)), (R,)."""
        first_RC, second_RC = teacher_RC, student_RC
        if self.direction is Direction.reverse:
            first_RC, second_RC = student_RC, teacher_RC
        log_skew, log_rest = math.log(self.skew), math.log1p(-self.skew)
        mixture_RC = (first_RC + log_skew).logaddexp(second_RC + log_rest)
        return (first_RC.exp() * (first_RC - mixture_RC)).sum(-1)
