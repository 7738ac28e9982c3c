"""What the objectives with an open teacher share: their keys, and what is found out before training.

As for data: `check` answers before anything heavy is imported, `fits` reads the teacher's config and
tokenizer (seconds, no weights), `build` loads it or opens what it once said, and `trial` is what a probe
measures in its place.

`mix` is the weight of the sequence loss: mix * cross-entropy + (1 - mix) * the objective's own loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lamini.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from lamini.config import TrainConfig
    from lamini.students.protocol import Student
    from lamini.training.objectives.distilled import Told
    from lamini.training.objectives.objective import Objective
    from lamini.training.prepare import Prepared


class Distance(Enum):
    """How far a state is from the teacher's."""

    mse = "mse"  # mean of the squared differences over the width
    cosine = "cosine"  # 1 - cosine of the angle


class Source(Enum):
    """When the teacher is asked."""

    online = "online"  # in every step; its weights lie beside the student's
    stored = "stored"  # once; its top_k are kept under paths.cache_dir and serve every student


@dataclass
class OpenTeacher(ABC):
    """A teacher whose weights can be loaded and whose vocabulary is the student's."""

    teacher: str  # folder (save_pretrained's files, an export of ours) or hub id
    mix: float  # weight of the sequence loss; the rest is the objective's own

    def check(self) -> None:
        """Raise UserError for impossible numbers and for a teacher that is nowhere."""
        from lamini.training.teachers.place import place_of

        if not 0 <= self.mix < 1:
            raise UserError(
                f"objective.mix={self.mix} must be 0 or more and below 1;"
                " objective=sequence is the sequence loss alone"
            )
        place_of(self.teacher)

    def fits(self, config: TrainConfig, student: Student) -> int:
        """Bytes of the teacher's weights that training holds; `student` needs no model.

        Raises:
            UserError: another vocabulary or architecture, or fewer positions than the context.
        """
        from lamini.training.devices import precision_of
        from lamini.training.teachers.fitting import check_fit, weight_bytes

        return weight_bytes(check_fit(self.teacher, config, student), precision_of(config.trainer))

    def remark(self) -> str:
        """What a plan has to say about the teacher; empty where there is nothing."""
        return ""

    @abstractmethod
    def build(self, config: TrainConfig, prepared: Prepared, device: torch.device) -> Objective:
        """The objective for a student that has its model.

        Raises:
            UserError: as `fits`; weights that do not load; a cache that cannot be written.
        """

    def trial(self, config: TrainConfig, prepared: Prepared, device: torch.device) -> Objective:
        """An objective of the same time and memory a step, without work that is done once for a whole run."""
        return self.build(config, prepared, device)


@dataclass
class Distillation(OpenTeacher):
    """A divergence between the teacher's and the student's distribution of each response token."""

    source: Source  # online: the teacher runs in every step; stored: once, its top_k serve all students
    top_k: int  # of source=stored: log-probabilities kept of each response token; the rest is one class
    temperature: float  # both distributions are softened by it, and the divergence multiplied by its square

    def check(self) -> None:
        """Raise UserError as `OpenTeacher.check`."""
        if self.top_k < 1:
            raise UserError(f"objective.top_k={self.top_k} must be at least 1")
        if not 0 < self.temperature < float("inf"):
            raise UserError(f"objective.temperature={self.temperature} must be greater than 0")
        super().check()

    def fits(self, config: TrainConfig, student: Student) -> int:
        """See `OpenTeacher.fits`; a stored teacher is gone before training begins."""
        size = super().fits(config, student)
        return size if self.source is Source.online else 0

    def remark(self) -> str:
        """See `OpenTeacher.remark`."""
        if self.source is Source.online:
            return ""
        return "asking the teacher once about every pair comes before training, unless paths.cache_dir has it"

    @abstractmethod
    def divergence(self, teacher_RC: Tensor, student_RC: Tensor) -> Tensor:
        """One number a token, (R,), from log-probabilities of C classes."""

    def build(self, config: TrainConfig, prepared: Prepared, device: torch.device) -> Objective:
        """See `OpenTeacher.build`."""
        from lamini.training.devices import precision_of
        from lamini.training.teachers.fitting import check_fit, dtype_of, open_teacher
        from lamini.training.teachers.online import Online
        from lamini.training.teachers.place import folder_of
        from lamini.training.teachers.storing import digest_of, store

        student, precision = prepared.student, precision_of(config.trainer)
        check_fit(self.teacher, config, student)

        @cache
        def load() -> Student:
            return open_teacher(self.teacher, student, precision, device)

        if self.source is Source.online:
            return self._distilled(Online(load()), student)
        mark = f"{digest_of(folder_of(self.teacher))} {dtype_of(precision)}"
        told = store(
            load, mark, student, prepared.train, self.top_k, Path(config.paths.cache_dir),
            prepared.micro_tokens,
        )  # fmt: skip
        return self._distilled(told, student)

    def trial(self, config: TrainConfig, prepared: Prepared, device: torch.device) -> Objective:
        """See `OpenTeacher.trial`; a stored teacher is not asked."""
        from lamini.training.teachers.unasked import Unasked

        if self.source is Source.online:
            return self.build(config, prepared, device)
        size = len(prepared.student.tokenizer)
        told = Unasked(prepared.train.response_lengths_N, min(self.top_k, size), size)
        return self._distilled(told, prepared.student)

    def _distilled(self, told: Told, student: Student) -> Objective:
        from lamini.training.objectives.distilled import Distilled

        return Distilled(told, self.divergence, len(student.tokenizer), self.mix, self.temperature)
