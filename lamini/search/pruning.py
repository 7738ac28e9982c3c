"""A trial tells the study its validation losses and is given up where the study says so.

The student's process opens the study's file itself, on whatever machine it runs. A trial is compared with
others at the validation of the same number and not at the same step, of which a larger batch has fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl

from lamini.search.options import LOSSES, Pruners, Trial
from lamini.training.checkpointing.interruption import Interrupted


class Pruned(Interrupted):
    """The study has given the trial up."""

    pruned = True


class Pruning(pl.Callback):
    """Reports each validation, and ends the run where the pruner says so; never at the last one.

    Stands before `Checkpoints`: a trial that was killed between validation and verdict validates again.
    `every` is the number of steps between validations, `losses` the numbers of run.json from a loss, and
    `note` puts them there.
    """

    def __init__(
        self,
        trial: Trial,
        every: int,
        steps: int,
        losses: Callable[[float], dict[str, float | None]],
        note: Callable[..., None],
    ) -> None:
        self.trial, self.every, self.steps = trial, every, steps
        self.losses, self.note = losses, note

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Report, ask, and raise `Pruned` on every rank or on none."""
        if self.trial.search.metric not in LOSSES or trainer.global_step == self.steps:
            return
        found = self.losses(float(trainer.callback_metrics["validation/loss"]))
        hopeless = trainer.is_global_zero and self._hopeless(found, round(trainer.global_step / self.every))
        if trainer.world_size > 1:
            hopeless = trainer.strategy.reduce_boolean_decision(hopeless, all=False)
        if hopeless:
            self.note(**found, steps=trainer.global_step)
            raise Pruned(f"pruned after step {trainer.global_step} of {self.steps}")

    def _hopeless(self, found: dict[str, Any], validation: int) -> bool:
        """Whether the study gives it up after this validation."""
        search = self.trial.search
        if search.pruner.name is Pruners.none:
            return False
        from lamini.search.study import hopeless

        return hopeless(search, self.trial.number, validation, found[search.metric])
