"""Which precision, how many threads: decided by the device where the configuration says `auto`."""

from __future__ import annotations

import os

import torch

from lamini.config import Trainer
from lamini.errors import UserError

PRECISIONS = ("32-true", "bf16-mixed", "bf16-true", "16-mixed")


def precision_of(trainer: Trainer) -> str:
    """Lightning's name of the precision: bf16 on a GPU that has it, else fp32 (bf16 is slow on CPUs).

    Raises:
        UserError: an unknown precision.
    """
    if trainer.precision == "auto":
        return "bf16-mixed" if uses_cuda(trainer) and torch.cuda.is_bf16_supported() else "32-true"
    if trainer.precision not in PRECISIONS:
        raise UserError(
            f"trainer.precision={trainer.precision} is unknown; there are auto, {', '.join(PRECISIONS)}"
        )
    return trainer.precision


def uses_cuda(trainer: Trainer) -> bool:
    """Whether the student will train on a CUDA device."""
    return trainer.accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available()


def set_threads(trainer: Trainer) -> int:
    """Pin the CPU threads and return their number: the last bits of a result depend on it."""
    threads = trainer.threads or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    return threads
