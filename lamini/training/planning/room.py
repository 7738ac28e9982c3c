"""Whether a student will fit the memory, and a line's runs the disk; if not, which keys help."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lamini.config import TrainConfig

GIB = 2**30
WIDTH = 4  # bytes of a number in a checkpoint and in an export


def memory_warning(
    config: TrainConfig, run: str, needed: float, free: int | None, micro_tokens: int
) -> str | None:
    """A sentence where the student needs more than is free; None where it fits or nobody knows."""
    if free is None or needed <= free:
        return None
    trainer = config.trainer
    ways = [f"size.micro_tokens below {micro_tokens}"]
    ways += ["optimizer=adafactor"] if config.optimizer.STATE > 1 else []
    ways += [] if trainer.gradient_checkpointing else ["trainer.gradient_checkpointing=true"]
    ways += [] if trainer.precision == "bf16-true" else ["trainer.precision=bf16-true"]
    return (
        f"{run}: needs about {needed / GIB:.1f} GiB of memory and {free / GIB:.1f} GiB are free, so it may"
        f" not fit; what helps: {', '.join(ways)}, a smaller context"
    )


def disk_bytes(config: TrainConfig, parameters: int) -> float:
    """Bytes of a run folder: weights and optimizer state of its checkpoints, weights of its export."""
    kept = config.trainer.keep_last + config.trainer.keep_best + 1  # the next one, while it is written
    return float(parameters * WIDTH * (kept * (1 + config.optimizer.STATE) + 1))


def disk_warning(folders: Sequence[Path], needed: float) -> str | None:
    """A sentence where the runs that are still to be done need more than their disk has free."""
    place = next(
        (parent for folder in folders for parent in folder.absolute().parents if parent.exists()), None
    )
    if place is None:
        return None
    free = shutil.disk_usage(place).free
    if needed <= free:
        return None
    return (
        f"checkpoints and exports need about {needed / GIB:.1f} GiB and {place} has {free / GIB:.1f} GiB"
        " free; choose another paths.output_dir, or make room"
    )
