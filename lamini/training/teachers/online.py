"""A teacher that reads every micro-batch beside the student.

Names: R response tokens, E width of the teacher, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamini.students.protocol import Batch, Student


class Online:
    """The teacher's distributions over the whole vocabulary, computed now."""

    extras = None  # the micro-batch holds all it reads

    def __init__(self, teacher: Student) -> None:
        self.teacher = teacher

    def about(self, batch: Batch) -> tuple[Tensor, ...]:
        """The teacher's states hidden_RE; logits follow chunk by chunk."""
        with torch.no_grad():
            return (self.teacher.responses(batch)[0],)

    def compared(self, student_RV: Tensor, temperature: float, *about: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (teacher_RV, student_RV)."""
        (hidden_RE,) = about
        with torch.no_grad():
            logits_RV = self.teacher.head()(hidden_RE).float()[:, : student_RV.shape[1]]
            teacher_RV = (logits_RV / temperature).log_softmax(-1)
        return teacher_RV, (student_RV / temperature).log_softmax(-1)
