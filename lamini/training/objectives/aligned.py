"""The module of objective=hidden: distance of last hidden states, mixed with the sequence loss.

Names: R response tokens, D width of the student, E width of the teacher.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lamini.students.head import summed_loss
from lamini.students.protocol import Batch, Student
from lamini.training.objectives.objective import Objective
from lamini.training.objectives.options import Distance
from lamini.training.teachers.online import Online


class Aligned(Objective):
    """mix * cross-entropy + (1 - mix) * distance(projected student, teacher)."""

    def __init__(self, student: Student, teacher: Student, distance: Distance, mix: float, seed: int) -> None:
        """Both with their models; the projection is drawn from `seed`."""
        super().__init__()
        self.told, self.distance, self.mix = Online(teacher), distance, mix
        inner, outer = student.head().in_features, teacher.head().in_features
        self.projection: nn.Module = nn.Identity()
        if inner != outer:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                self.projection = nn.Linear(inner, outer, bias=False)

    def forward(self, student: Student, batch: Batch) -> Tensor:
        """Sum over the response tokens of `batch`."""
        hidden_RD, labels_R = student.responses(batch)
        (teacher_RE,) = self.told.about(batch)
        apart_R = self.apart(self.projection(hidden_RD).float(), teacher_RE.float())
        sequence = summed_loss(student.head(), hidden_RD, labels_R, student.head_loss)
        return self.mix * sequence + (1 - self.mix) * apart_R.sum()

    def apart(self, student_RE: Tensor, teacher_RE: Tensor) -> Tensor:
        """One distance a token, (R,)."""
        if self.distance is Distance.mse:
            return (student_RE - teacher_RE).square().mean(-1)
        return 1 - nn.functional.cosine_similarity(student_RE, teacher_RE, dim=-1)
