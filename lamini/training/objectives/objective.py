"""An objective: the sum over a batch's response tokens of what is minimised, a scalar in fp32.

The caller divides once by the response tokens of the whole optimizer step, as it does with the plain loss.
"""

from __future__ import annotations

from torch import Tensor, nn

from lamini.data.datamodule import Extras
from lamini.students.protocol import Batch, Student


class Objective(nn.Module):
    """The sequence loss; objectives with a teacher override it.

    A module, so that weights of its own are trained and checkpointed; a teacher must not be among them.
    """

    extras: Extras | None = None  # what a micro-batch has to carry for it

    def forward(self, student: Student, batch: Batch) -> Tensor:
        """Sum over the response tokens of `batch`."""
        return student.loss(batch)[0]
