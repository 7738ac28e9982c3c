"""Which device and precision, how many threads: decided here where the configuration says `auto`."""

from __future__ import annotations

import os
from importlib.util import find_spec

import torch

from lamini.children import cores
from lamini.config import Strategy, Trainer
from lamini.errors import UserError
from lamini.training.world import world_of

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


def check_device(trainer: Trainer) -> None:
    """Raise UserError where the device cannot do what is asked; Lightning would do something else instead."""
    if trainer.accelerator not in {"auto", "cpu", "gpu", "cuda", "mps"}:
        raise UserError(
            f"trainer.accelerator={trainer.accelerator} is unknown; there are auto, cpu, gpu, mps"
        )
    if trainer.accelerator in {"gpu", "cuda"} and not torch.cuda.is_available():
        raise UserError(
            f"trainer.accelerator={trainer.accelerator}: torch sees no CUDA device; use cpu or auto"
        )
    if trainer.accelerator == "mps" and not torch.backends.mps.is_available():
        raise UserError("trainer.accelerator=mps: torch sees no such device; use cpu or auto")
    if trainer.precision == "16-mixed" and not uses_cuda(trainer):
        raise UserError("trainer.precision=16-mixed needs a CUDA device; use 32-true or bf16-mixed")
    if uses_cuda(trainer) and here(trainer) > torch.cuda.device_count():
        raise UserError(
            f"trainer.devices={trainer.devices}: there are {torch.cuda.device_count()}"
            + (f" on this node for {here(trainer)} ranks" if here(trainer) != trainer.devices else "")
        )
    if trainer.head == "liger":
        _check_liger(trainer)


def _check_liger(trainer: Trainer) -> None:
    if not uses_cuda(trainer):
        raise UserError(
            "trainer.head=liger needs a CUDA device; use trainer.head=chunked, which runs anywhere"
        )
    if find_spec("liger_kernel") is None:
        raise UserError(
            "trainer.head=liger needs the package liger-kernel, which is not installed:"
            " pip install liger-kernel, or use trainer.head=chunked"
        )
    if trainer.precision == "16-mixed":
        raise UserError(
            "trainer.head=liger rounds gradients to fp16 before trainer.precision=16-mixed scales them;"
            " use trainer.head=chunked, or trainer.precision=bf16-mixed where the device has bf16"
        )


def uses_cuda(trainer: Trainer) -> bool:
    """Whether the student will train on a CUDA device."""
    return trainer.accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available()


def here(trainer: Trainer) -> int:
    """How many of the student's devices are on this machine: all, unless torchrun or srun says otherwise."""
    world = world_of()
    return world.local_size if world.size > 1 else trainer.devices


def device_of(trainer: Trainer, rank: int = 0) -> torch.device:
    """Where the student answers before and after training; Lightning decides the same for the training.
    `rank` is that on this machine.

    A student that is sharded may be too large for one device: as a whole it stays on the CPU.
    """
    if trainer.strategy is Strategy.fsdp:
        return torch.device("cpu")
    if uses_cuda(trainer):
        return torch.device("cuda", rank)
    mps = trainer.accelerator in {"auto", "mps"} and torch.backends.mps.is_available()
    return torch.device("mps" if mps else "cpu")


def ready_memory(trainer: Trainer) -> None:
    """Let CUDA memory grow in place: batches have many shapes, and blocks of one do not fit the next.

    torch reads the variable when it first takes memory; what the user says in it holds.
    """
    if uses_cuda(trainer):
        os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")


def set_threads(trainer: Trainer) -> int:
    """Pin the CPU threads of a rank and return their number: the last bits of a result depend on it."""
    threads = max(1, (trainer.threads or cores()) // here(trainer))
    torch.set_num_threads(threads)
    return threads
