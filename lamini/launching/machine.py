"""What this machine has for students: GPUs, memory, cores. Asked in a child: the parent has no torch."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from lamini.children import cores
from lamini.errors import UserError
from lamini.launching.slots import Place

CONTEXT = 0.8 * 2**30  # bytes that CUDA itself takes for a process, which no forecast counts


@dataclass(frozen=True)
class Gpu:
    """One of those that torch sees."""

    name: str
    free: int  # bytes
    visible: str  # what CUDA_VISIBLE_DEVICES calls it


@dataclass(frozen=True)
class Machine:
    """GPUs in torch's order, and the host."""

    gpus: tuple[Gpu, ...]
    memory: int | None  # bytes that are free; None where the system does not say
    cores: int


def look() -> Machine:
    """Ask torch and the system; takes memory on every GPU for a moment."""
    import torch

    from lamini.training.memory import available

    found = []
    for number in range(torch.cuda.device_count()):
        free = available(torch.device("cuda", number)) or 0
        found.append(Gpu(f"{torch.cuda.get_device_name(number)} {number}", free, visible(number)))
    return Machine(tuple(found), available(torch.device("cpu")), cores())


def shown() -> list[str] | None:
    """GPUs as CUDA_VISIBLE_DEVICES names them; None where it is not set."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if named is None else [name.strip() for name in named.split(",") if name.strip()]


def visible(number: int) -> str:
    """What CUDA_VISIBLE_DEVICES of a child must say for the GPU that has this number here.

    With CUDA_VISIBLE_DEVICES=4,6 number 1 is GPU 6.

    Raises:
        UserError: there is none of this number.
    """
    names = shown()
    if names and number >= len(names):
        raise UserError(f"hydra.launcher.gpus: there is no GPU {number}; CUDA_VISIBLE_DEVICES shows {names}")
    return names[number] if names else str(number)


def gpu_places(machine: Machine, chosen: Sequence[int] | None, most: int | None) -> list[Place]:
    """The GPUs that a line may use, at most `most` students on each; None: as many as there are cores for.

    Raises:
        UserError: a GPU was chosen that is not there.
    """
    numbers = range(len(machine.gpus)) if chosen is None else chosen
    for number in numbers:
        if number >= len(machine.gpus):
            raise UserError(
                f"hydra.launcher.gpus={list(numbers)}: there is no GPU {number};"
                f" torch sees {len(machine.gpus)}, numbered from 0"
            )
    share = most or max(1, machine.cores // max(1, len(numbers)))
    gpus = [machine.gpus[number] for number in numbers]
    return [Place(gpu.name, gpu.free, share, gpu.visible) for gpu in gpus]


def host_place(machine: Machine, jobs: int) -> Place:
    """The host with so many students at a time."""
    return Place("CPU", math.inf if machine.memory is None else machine.memory, jobs)
