"""Generalised Jensen-Shannon divergence (GKD, Agarwal et al. 2024), between forward and reverse KL.

JSD_beta(p || q) = beta KL(p || m) + (1 - beta) KL(q || m) with m = beta p + (1 - beta) q: bounded, however
far student and teacher are apart. Near beta = 0 it is beta times forward KL, near 1 it is (1 - beta) times
reverse KL, and at both ends it vanishes: they are refused and not redefined, as TRL's GKD does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.errors import UserError
from lamini.training.objectives.options import Distillation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class JSD(Distillation):
    """Generalised Jensen-Shannon divergence of every response token."""

    beta: float  # weight of the teacher in the mixture, between 0 (like forward KL) and 1 (like reverse KL)

    def check(self) -> None:
        """Raise UserError as `Distillation.check`, and for a beta outside."""
        if not 0 < self.beta < 1:
            raise UserError(
                f"objective.beta={self.beta} must lie between 0 and 1, where the divergence vanishes;"
                " objective=forward_kl and objective=reverse_kl are the two ends"
            )
        super().check()

    def divergence(self, teacher_RC: Tensor, student_RC: Tensor) -> Tensor:
        """beta KL(p || m) + (1 - beta) KL(q || m), (R,)."""
        log_beta, log_rest = math.log(self.beta), math.log1p(-self.beta)
        mixture_RC = (teacher_RC + log_beta).logaddexp(student_RC + log_rest)
        forward_R = (teacher_RC.exp() * (teacher_RC - mixture_RC)).sum(-1)
        reverse_R = (student_RC.exp() * (student_RC - mixture_RC)).sum(-1)
        return self.beta * forward_R + (1 - self.beta) * reverse_R
