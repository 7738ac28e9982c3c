"""A divergence from a teacher's distributions, mixed with the sequence loss, in chunks and in fp32.

Both models' logits are cut to the tokenizer's true size first: vocabularies are padded to different sizes,
and no text holds those ids. The sequence loss is over the student's whole head, as everywhere else.

With temperature T both distributions are softmax(logits / T), and the divergence is multiplied by T^2: its
gradient shrinks with 1 / T^2, and so `mix` means the same at every temperature (Hinton et al. 2015, section
2; TRL's GKD leaves the factor out).

Names: R response tokens, D width of the student, V vocabulary, C classes that distributions are compared in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import Tensor, nn

from lamini.data.datamodule import Extras
from lamini.students.protocol import Batch, Student
from lamini.training.objectives.chunks import summed
from lamini.training.objectives.objective import Objective


class Told(Protocol):
    """What a teacher says about the response tokens, asked now or stored."""

    @property
    def extras(self) -> Extras | None:
        """What a micro-batch has to carry for it."""

    def about(self, batch: Batch) -> tuple[Tensor, ...]:
        """Tensors with a row for each response token, from which a chunk's distributions follow."""

    def compared(self, student_RV: Tensor, temperature: float, *about: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (teacher_RC, student_RC) in the same classes, from the student's logits."""


class Distilled(Objective):
    """mix * cross-entropy + (1 - mix) * T^2 * divergence(teacher, student).

    `divergence` maps log-probabilities (teacher_RC, student_RC) to (R,); `size` is the number of tokens.
    """

    def __init__(
        self,
        told: Told,
        divergence: Callable[[Tensor, Tensor], Tensor],
        size: int,
        mix: float,
        temperature: float,
    ) -> None:
        super().__init__()
        self.told, self.divergence, self.size = told, divergence, size
        self.mix, self.temperature = mix, temperature
        self.extras = told.extras

    def forward(self, student: Student, batch: Batch) -> Tensor:
        """Sum over the response tokens of `batch`."""
        hidden_RD, labels_R = student.responses(batch)
        head = student.head()
        about = self.told.about(batch)
        return summed(partial(self.part, head), head.weight.shape[0], hidden_RD, labels_R, *about)

    def part(self, head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor, *about: Tensor) -> Tensor:
        """The sum over some of the response tokens."""
        logits_RV = head(hidden_RD).float()
        teacher_RC, student_RC = self.told.compared(logits_RV[:, : self.size], self.temperature, *about)
        scale = (1 - self.mix) * self.temperature**2
        total = scale * self.divergence(teacher_RC, student_RC).sum()
        if self.mix:
            total = total + self.mix * nn.functional.cross_entropy(logits_RV, labels_R, reduction="sum")
        return total
