"""Last-layer alignment: the student's states at response positions imitate the teacher's.

The states are those that the heads read, after the last norm (and, where T5's head is tied, its scale). Where
the widths differ a linear projection of the student's states is learned beside it: it is trained and
checkpointed with the student and left behind at the export (FitNets' regressor, Romero et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamini.errors import UserError
from lamini.training.objectives.options import Distance, OpenTeacher

if TYPE_CHECKING:
    import torch

    from lamini.config import TrainConfig
    from lamini.training.objectives.objective import Objective
    from lamini.training.prepare import Prepared


@dataclass
class Hidden(OpenTeacher):
    """Distance of the last hidden states of every response token."""

    distance: Distance  # mse (mean over the width) or cosine (1 - cosine)

    def check(self) -> None:
        """Raise UserError as `OpenTeacher.check`, and where nothing would train the head."""
        if self.mix == 0:
            raise UserError("objective.mix=0: hidden states alone never train the student's head; raise it")
        super().check()

    def build(self, config: TrainConfig, prepared: Prepared, device: torch.device) -> Objective:
        """See `OpenTeacher.build`."""
        from lamini.training.devices import precision_of
        from lamini.training.objectives.aligned import Aligned
        from lamini.training.teachers.fitting import check_fit, open_teacher

        student = prepared.student
        check_fit(self.teacher, config, student)
        teacher = open_teacher(self.teacher, student, precision_of(config.trainer), device)
        return Aligned(student, teacher, self.distance, self.mix, config.seed)
