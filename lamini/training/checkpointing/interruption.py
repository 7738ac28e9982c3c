"""Ctrl-C, SIGTERM, SIGUSR1 (schedulers), a sweep that died: finish the step, save, stop; the line goes on.

While a student trains, a signal only leaves a note that is read at the end of the step; before and after
there is nothing to save, so it stops at once. The ranks of one student agree on it, since a step needs all
of them.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from lamini.training.checkpointing.checkpoints import Checkpoints

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Interrupted(BaseException):
    """The run was asked to stop. No Exception, so that no library on the way takes it for a failure."""

    pruned = False  # by a search, for good


class Interruption(pl.Callback):
    """Turns signals into a checkpoint and an `Interrupted` after the step; a second Ctrl-C stops at once.

    Not where it is `patient`: torchrun hands on the Ctrl-C that its ranks have had from the terminal already.

    Stands behind `Checkpoints` among the callbacks: where a validation follows the step, it waits for it.
    """

    def __init__(self, patient: bool = False) -> None:
        self.asked, self.patient = False, patient
        self.training = False
        self.checkpoints: Checkpoints | None = None
        self.old: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over and give them back; only the main thread of a process can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.old = {number: signal.signal(number, self._ask) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in self.old.items():
                signal.signal(number, handler)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """From here on a signal waits for the end of the step. Lightning's own handlers are put aside."""
        self.training = True
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._ask)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Save and stop here if asked."""
        assert self.checkpoints is not None
        if not self.checkpoints.validates(trainer.global_step) and self._wanted(trainer):
            self.checkpoints.save(trainer)
            raise Interrupted(f"stopped after step {trainer.global_step}")

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """The same after a validation, which has saved already."""
        if self._wanted(trainer):
            raise Interrupted(f"stopped after step {trainer.global_step}")

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """What follows (scoring, export) is done again by whoever continues, so a signal stops it at once."""
        self.training = False

    def _wanted(self, trainer: pl.Trainer) -> bool:
        parent = multiprocessing.parent_process()
        mine = self.asked or (parent is not None and not parent.is_alive())
        if trainer.world_size == 1:
            return mine
        return bool(trainer.strategy.reduce_boolean_decision(mine, all=False))

    def _ask(self, number: int, frame: FrameType | None) -> None:
        before = self.old.get(number)
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)  # whoever started this student wants to know too
        if not self.training or (self.asked and number == signal.SIGINT and not self.patient):
            raise Interrupted(f"stopped at once by {signal.Signals(number).name}")
        self.asked = True
