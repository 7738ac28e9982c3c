"""An open teacher is checked against the student without its weights, and loaded.

The teacher stands in the student's own class, around its own weights: so it reads the same batches, packed or
not, and gives states and logits at the same positions, whatever the architecture is.
"""

from __future__ import annotations

import copy

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel

from lamini.config import TrainConfig
from lamini.errors import UserError
from lamini.students.loading import auto_class, blank, first_line
from lamini.students.protocol import Student
from lamini.students.tokenizers import load_tokenizer
from lamini.training.teachers.place import place_of
from lamini.training.teachers.vocabulary import mismatch, way_out


def check_fit(teacher: str, config: TrainConfig, student: Student) -> PreTrainedModel:
    """The teacher's model on the meta device, once all is well; `student` needs no model.

    Raises:
        UserError: another architecture, another vocabulary, fewer positions than the context.
    """
    place, name = place_of(teacher), f"objective.teacher={teacher}"
    shape = _config(place, name)
    if auto_class(shape).__name__ != student.auto_model:
        raise UserError(
            f"{name} is a {shape.model_type}, which is not {student.architecture} as the student is;"
            f" {way_out(config)}"
        )
    different = mismatch(student.tokenizer, load_tokenizer(place))
    if different:
        raise UserError(f"{name}: {different}; {way_out(config)}")
    positions = getattr(shape, "max_position_embeddings", None)  # None: relative, any length
    if positions is not None and positions < student.context:
        raise UserError(f"{name} has {positions} positions; context={positions} is the most it can read")
    try:
        with torch.device("meta"):
            model = blank(shape)
        around(student, model).ready()
    except UserError as error:
        raise UserError(f"{name}: {first_line(error)}") from error
    return model


def open_teacher(teacher: str, student: Student, precision: str, device: torch.device) -> Student:
    """The teacher with its weights, frozen, on the device.

    Raises:
        UserError: the weights do not load, or some are missing.
    """
    place, name = place_of(teacher), f"objective.teacher={teacher}"
    try:
        model, report = auto_class(_config(place, name)).from_pretrained(
            place, dtype=dtype_of(precision), output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{name} does not load: {first_line(error)}") from error
    if missing := sorted(report["missing_keys"]):
        raise UserError(f"{name} lacks {len(missing)} weights, e.g. {missing[0]}")
    loaded = around(student, model.to(device).eval().requires_grad_(False))
    loaded.ready()
    return loaded


def around(student: Student, model: PreTrainedModel) -> Student:
    """The student's token layout and settings with another model."""
    teacher = copy.copy(student)
    teacher.model = model
    return teacher


def dtype_of(precision: str) -> torch.dtype:
    """bf16 where the student computes in it: autocast would round the weights in every step anyway."""
    return torch.bfloat16 if precision.startswith("bf16") else torch.float32


def weight_bytes(model: PreTrainedModel, precision: str) -> int:
    """Bytes of the weights as `open_teacher` holds them."""
    return sum(parameter.numel() for parameter in model.parameters()) * dtype_of(precision).itemsize


def _config(place: str, name: str) -> PretrainedConfig:
    try:
        found: PretrainedConfig = AutoConfig.from_pretrained(place)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{name} has no config that transformers knows: {first_line(error)}") from error
    return found
