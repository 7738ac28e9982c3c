"""Checkpoints that survive a crash: written beside, flushed, renamed; the last and the best are kept.

A step that is validated is saved after its validation and never before: what a resumed run knows of the best
loss, of metrics.jsonl and of answers.jsonl is then exactly what stood there when the checkpoint was written.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from lamini.errors import UserError
from lamini.runs import reason

LAST, BEST = "last.ckpt", "best.ckpt"


class Checkpoints(pl.Callback):
    """`last.ckpt` every `every` steps, at every validation and at the end; `best.ckpt` at the lowest loss.

    `validate_every` is None where there is no validation; `saved` is called after each write.
    """

    def __init__(
        self, folder: Path, every: int, validate_every: int | None, steps: int, saved: Callable[[], None]
    ) -> None:
        self.folder, self.every, self.validate_every, self.steps = folder, every, validate_every, steps
        self.saved = saved
        self.best = float("inf")

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Save where a step is due and no validation follows it."""
        step = trainer.global_step
        if step == self.steps:
            trainer.should_stop = True  # to Lightning a reason to validate once more
        if not self.validates(step) and (step % self.every == 0 or step == self.steps):
            self.save(trainer)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Save, and keep the best apart: a hard link costs no second copy while both are the same."""
        loss = float(trainer.callback_metrics["validation/loss"])
        better = loss < self.best
        if better:
            self.best = loss
        self.save(trainer, better)

    def validates(self, step: int) -> bool:
        """Whether Lightning validates after this step."""
        if self.validate_every is None:
            return False
        return step % self.validate_every == 0 or step == self.steps

    def save(self, trainer: pl.Trainer, best: bool = False) -> None:
        """Write the last checkpoint, which may be the best one too.

        Raises:
            UserError: the disk is full or the folder cannot be written; the checkpoint before is untouched.
        """
        temporary, last = self.folder / f".{LAST}", self.folder / LAST
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(temporary)
            if trainer.is_global_zero:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(last)
                if best:
                    same(last, self.folder / BEST)
        except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
            temporary.unlink(missing_ok=True)
            cause = error if isinstance(error, OSError) else error.__cause__ or error.__context__ or error
            why = reason(cause) if isinstance(cause, OSError) else str(cause)
            raise UserError(f"{last} cannot be written: {why}") from error
        self.saved()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must remember."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.best = state["best"]


def same(source: Path, target: Path) -> None:
    """Put the content of `source` under the name `target` too, in one step; a copy where no links exist."""
    temporary = target.with_name(f".{target.name}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(target)
