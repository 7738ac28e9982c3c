"""How a student computes on its device: which attention, compiled or not. It changes speed, not results."""

from __future__ import annotations

import os
import shutil

from lamini.config import Trainer
from lamini.errors import UserError
from lamini.students import onednn
from lamini.students.attention import flash, ranges
from lamini.students.attention.backends import use
from lamini.students.compiling import compile_blocks
from lamini.students.protocol import Student
from lamini.training.devices import device_of, precision_of, uses_cuda

MULTIPLE = 32  # widths of compiled rows: few shapes, and such as GPU kernels like
ALIGNED = 16  # widths of rows on CUDA: kernels read 16 bytes at a time, or are slow


def set_backends(student: Student, trainer: Trainer) -> str:
    """Give the student's model its attention, compile it if asked to, and return the attention's name.

    Raises:
        UserError: as `attention_of` and `check_compile`.
    """
    attention = attention_of(trainer, type(student))
    use(student.ready(), attention)
    if device_of(trainer).type == "cpu":
        onednn.use(student.ready())
    if uses_cuda(trainer):
        student.multiple = ALIGNED
    if trainer.compile:
        check_compile(trainer)
        compile_blocks(student.ready())
        student.multiple = MULTIPLE
    return attention


def attention_of(trainer: Trainer, student: type[Student]) -> str:
    """The attention of a student of this class: one of lamini.students.attention.backends.BACKENDS.

    `auto` is what is known to be fastest: on a CPU long pairs by themselves, on CUDA in half precision our
    own kernels, FlashAttention where there is no Triton, elsewhere scaled_dot_product_attention.

    Raises:
        UserError: the device, the student or the precision cannot have what is asked for.
    """
    if trainer.attention == "auto":
        if uses_cuda(trainer):
            if ranges.available() and precision_of(trainer) != "32-true":
                return "triton"
            return "sdpa" if _flash_obstacle(trainer, student) else "flash"
        return "adaptive" if device_of(trainer).type == "cpu" and not trainer.compile else "sdpa"
    obstacle = _obstacle(trainer, student)
    if obstacle is not None:
        raise UserError(f"trainer.attention={trainer.attention} {obstacle}")
    return trainer.attention


def _obstacle(trainer: Trainer, student: type[Student]) -> str | None:
    """Why the attention that was asked for cannot be had, with the ways out."""
    if trainer.attention in student.refused_attention:
        return student.refused_attention[trainer.attention]
    if trainer.attention in {"flex", "flash", "triton"} and not uses_cuda(trainer):
        return "needs a CUDA device; use trainer.attention=sdpa, or auto"
    if trainer.attention == "triton" and not ranges.available():
        return "needs Triton and a device of compute capability 8.0 or more; use trainer.attention=sdpa"
    if trainer.attention == "flash":
        return _flash_obstacle(trainer, student)
    if trainer.compile and trainer.attention in student.refused_compiled:
        return student.refused_compiled[trainer.attention]
    if trainer.attention in {"split", "adaptive"} and trainer.compile:
        return "cannot be compiled; use trainer.attention=sdpa, or trainer.compile=false"
    return None


def _flash_obstacle(trainer: Trainer, student: type[Student]) -> str | None:
    """Why FlashAttention cannot be used on CUDA, with the ways out."""
    if "flash" in student.refused_attention:
        return student.refused_attention["flash"]
    if not flash.available():
        return "needs a device of compute capability 8.0 or more; use trainer.attention=sdpa"
    if precision_of(trainer) == "32-true":
        return "needs half precision; use trainer.precision=bf16-mixed, or trainer.attention=sdpa"
    return None


def check_compile(trainer: Trainer) -> None:
    """Raise UserError where torch.compile would fail at the first step."""
    compiler = os.environ.get("CXX", "g++")
    if trainer.compile and not uses_cuda(trainer) and shutil.which(compiler) is None:
        raise UserError(
            f"trainer.compile=true: there is no C++ compiler {compiler} here, which torch.compile needs on a"
            " CPU; install it, name another in the variable CXX, or use trainer.compile=false"
        )
