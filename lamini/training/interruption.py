"""Ctrl-C, SIGTERM (schedulers), or a sweep that died: finish the step, save, stop; the same line continues."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from lamini.training.checkpoints import Checkpoints


class Interrupted(Exception):
    """The run was asked to stop and has saved itself."""


class Interruption(pl.Callback):
    """Turns signals into a checkpoint and an `Interrupted` at the end of the step; a second Ctrl-C stops at once."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.checkpoints = checkpoints
        self.asked = False
        self.old: dict[int, Any] = {}

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Take the signals over; signal handlers exist in the main thread only."""
        if threading.current_thread() is threading.main_thread():
            self.old = {
                number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)
            }

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Stop here if asked, or if the sweep that started this student is gone."""
        parent = multiprocessing.parent_process()
        if self.asked or (parent is not None and not parent.is_alive()):
            self.checkpoints.save(trainer)
            raise Interrupted(f"stopped after step {trainer.global_step}")

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Give the signals back."""
        for number, handler in self.old.items():
            signal.signal(number, handler)
        self.old = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
