"""The student of a run with its model, computing the way the configuration says."""

from __future__ import annotations

from lamini.config import TrainConfig
from lamini.students.loading import build_model
from lamini.students.protocol import Student
from lamini.training.backends import set_backends


def equip(config: TrainConfig, student: Student) -> str:
    """Give `student` its model, in training mode: published weights come in evaluation mode, without dropout.

    Returns the attention that it has.

    Raises:
        UserError: as `build_model` and `set_backends`.
    """
    student.head_loss = config.trainer.head
    student.model = build_model(config, len(student.tokenizer)).train()
    if config.trainer.gradient_checkpointing:
        student.model.activation_checkpointing_enable({"use_reentrant": False})
    return set_backends(student, config.trainer)
