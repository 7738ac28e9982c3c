"""Checkpoints that survive a crash: written beside, flushed, renamed; the last one and the best one are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from lamini.errors import UserError
from lamini.runs import reason

LAST, BEST = "last.ckpt", "best.ckpt"


class Checkpoints(pl.Callback):
    """`checkpoints/last.ckpt` every `every` steps and `best.ckpt` at the lowest validation loss."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every
        self.best = float("inf")
        self.saved = -1

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Save where the step is due."""
        if trainer.global_step % self.every == 0:
            self.save(trainer)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Keep the best weights apart: a hard link to the last checkpoint costs no second copy while they agree."""
        loss = trainer.callback_metrics.get("validation/loss")
        if trainer.sanity_checking or loss is None or not float(loss) < self.best:
            return
        self.best = float(loss)
        self.save(trainer)
        if trainer.is_global_zero:
            link = self.folder / f".{BEST}"
            link.unlink(missing_ok=True)
            os.link(self.folder / LAST, link)
            link.replace(self.folder / BEST)

    def save(self, trainer: pl.Trainer) -> None:
        """Write the last checkpoint of this step once.

        Raises:
            UserError: the disk is full or the folder cannot be written; the checkpoint before is untouched.
        """
        if self.saved == trainer.global_step:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{LAST}"
        try:
            trainer.save_checkpoint(temporary)
            if trainer.is_global_zero:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(self.folder / LAST)
        except (OSError, RuntimeError) as error:
            temporary.unlink(missing_ok=True)
            cause = error if isinstance(error, OSError) else error.__cause__ or error
            why = reason(cause) if isinstance(cause, OSError) else str(cause)
            raise UserError(f"{self.folder / LAST} cannot be written: {why}") from error
        self.saved = trainer.global_step

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must remember."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.best = state["best"]
