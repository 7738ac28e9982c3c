"""What a run's devices may have drawn: an estimate from above, where their power is known.

Nothing is measured while training. The most that a GPU's board draws (power.yaml), times the run's time on
the clock, times its devices: waiting, validation and answers are counted as if they were training, and the
rest of the machine is not counted at all. Of CPUs not even the model is recorded: unknown, not 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lamini.comparison.herd import Member, Tree

FILE = Path(__file__).with_name("power.yaml")
CUDA = ("auto", "gpu", "cuda")


@dataclass(frozen=True)
class Devices:
    """What a run trained on."""

    name: str  # as the driver calls it; "CPU"
    count: int
    watts: float | None  # of one, at most; None: not known


def devices(member: Member) -> Devices | None:
    """None where the run's record does not say."""
    hardware: Tree = member.record.get("provenance", {}).get("hardware") or {}
    trainer: Tree = member.config.get("trainer") or {}
    if not hardware or not trainer:
        return None
    gpus: Sequence[str] = hardware.get("gpus") or ()
    accelerator, count = trainer.get("accelerator", "auto"), int(trainer.get("devices") or 1)
    if accelerator in CUDA and gpus:
        return Devices(gpus[0], count, watts(gpus[0]))
    return Devices("MPS" if accelerator == "mps" else "CPU", count, None)


def watts(name: str) -> float | None:
    """Of a device of this name; None where that is not known, or where it is a part of one (MIG).

    >>> watts("NVIDIA H100 80GB HBM3"), watts("NVIDIA A100 80GB PCIe")
    (700.0, 300.0)
    """
    words = set(re.split(r"[\s-]+", name.lower()))
    if "mig" in words:
        return None
    fitting = (one["watts"] for one in _known() if set(one["name"].lower().split()) <= words)
    return next((float(found) for found in fitting), None)


def kilowatt_hours(member: Member) -> float | None:
    """The estimate. Two devices of 350 W for half an hour: 0.35."""
    used, seconds = devices(member), member.record.get("seconds")
    if used is None or used.watts is None or not seconds:
        return None
    return used.watts * used.count * float(seconds) / 3.6e6


def device_hours(member: Member) -> float | None:
    """Time on the clock times devices: what a provider bills."""
    used, seconds = devices(member), member.record.get("seconds")
    return None if used is None or not seconds else used.count * float(seconds) / 3600


@lru_cache
def _known() -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return known
