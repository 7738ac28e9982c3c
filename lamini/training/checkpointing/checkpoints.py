"""Checkpoints that survive a crash: written beside, flushed, listed, renamed (kept.py).

A step that is validated is saved after its validation and never before: what a resumed run knows of the best
loss, of metrics.jsonl and of answers.jsonl is then exactly what stood there when the checkpoint was written.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl

from lamini.errors import UserError
from lamini.runs import reason
from lamini.training.checkpointing.hashing import HashingIO
from lamini.training.checkpointing.kept import LAST, TEMPORARY, Kept, Saved


class Checkpoints(pl.Callback):
    """Saves every `every` steps, every `minutes`, at every validation and at the end.

    `validate_every` is None where there is no validation, `minutes` where the clock does not matter; `saved`
    is called after each write. `io` belongs among the trainer's plugins.
    """

    def __init__(
        self,
        kept: Kept,
        every: int,
        minutes: float | None,
        validate_every: int | None,
        steps: int,
        saved: Callable[[], None],
    ) -> None:
        self.kept, self.every, self.minutes = kept, every, minutes
        self.validate_every, self.steps, self.saved = validate_every, steps, saved
        self.io = HashingIO()
        self.best = kept.best
        self.step: int | None = None  # saved last

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Start the clock."""
        self.since = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Save where a step is due and no validation follows it."""
        step = trainer.global_step
        if step == self.steps:
            trainer.should_stop = True  # to Lightning a reason to validate once more
        if self.validates(step):
            return
        if step % self.every == 0 or step == self.steps or self._overdue(trainer):
            self.save(trainer)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Save, with the loss that decides which ones are the best."""
        self.save(trainer, float(trainer.callback_metrics["validation/loss"]))

    def validates(self, step: int) -> bool:
        """Whether Lightning validates after this step."""
        if self.validate_every is None:
            return False
        return step % self.validate_every == 0 or step == self.steps

    def _overdue(self, trainer: pl.Trainer) -> bool:
        """Whether the first rank's clock asks for a checkpoint; every rank gets the same answer."""
        if self.minutes is None:
            return False
        mine = trainer.is_global_zero and time.monotonic() - self.since >= 60 * self.minutes
        return bool(trainer.strategy.reduce_boolean_decision(mine, all=False))

    def save(self, trainer: pl.Trainer, loss: float | None = None) -> None:
        """Write the state after this step, unless it is on the disk already; `loss`: it was validated.

        Raises:
            UserError: the disk is full or the folder cannot be written; the checkpoints before are untouched.
        """
        if loss is None and self.step == trainer.global_step:
            return
        loss = loss if loss is not None and math.isfinite(loss) else None
        if loss is not None:
            self.best = min(self.best, loss)
        temporary, last = self.kept.folder / TEMPORARY, self.kept.folder / LAST
        try:
            self.kept.folder.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(temporary)
            if trainer.is_global_zero:
                self.kept.add(Saved(trainer.global_step, loss, self.io.sha256))
        except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
            temporary.unlink(missing_ok=True)
            cause = error if isinstance(error, OSError) else error.__cause__ or error.__context__ or error
            why = reason(cause) if isinstance(cause, OSError) else str(cause)
            raise UserError(f"{last} cannot be written: {why}") from error
        except UserError:
            temporary.unlink(missing_ok=True)
            raise
        self.step, self.since = trainer.global_step, time.monotonic()
        self.saved()

    def state_dict(self) -> dict[str, Any]:
        """The best loss so far, should the index be lost."""
        return {"best": self.best}
