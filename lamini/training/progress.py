"""Student k of n, step, loss, response tokens/s, time left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytorch_lightning as pl
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lamini.report import duration
from lamini.training.recording import Recorder

SECONDS = 15.0  # between plain lines


class ProgressDisplay(pl.Callback):
    """Shows how far a student is. `name` is the run, `number` of `total` its place in the sweep."""

    def __init__(self, recorder: Recorder, name: str, number: int, total: int, steps: int) -> None:
        self.recorder, self.steps = recorder, steps
        self.title = f"[{number}/{total}] {name}"
        self.bar: Progress | None = None
        self.said = 0.0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Open the bar, or say from where the run continues."""
        self.began, self.first = time.perf_counter(), trainer.global_step
        self.said = self.began
        if not trainer.is_global_zero:
            return
        if sys.stdout.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[facts]}"),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns)
            self.task = self.bar.add_task(self.title, total=self.steps, completed=self.first, facts="")
            self.bar.start()
        else:
            where = f"continues after step {self.first} of" if self.first else ""
            print(f"{self.title}: {where} {self.steps:,} steps".replace(":  ", ": "), flush=True)

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Move the bar; print a line where enough time has passed."""
        facts = f"step {trainer.global_step:,}/{self.steps:,}  loss {self.recorder.losses[-1]:.3f}  {self.recorder.recent_speed:,.0f} response tokens/s"
        if self.bar is not None:
            self.bar.update(self.task, completed=trainer.global_step, facts=facts)
            return
        now = time.perf_counter()
        last = trainer.global_step == self.steps
        if trainer.is_global_zero and (last or now - self.said >= SECONDS):
            self.said = now
            left = (
                (now - self.began) / (trainer.global_step - self.first) * (self.steps - trainer.global_step)
            )
            print(f"{self.title}: {facts}  {duration(left)} left", flush=True)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Show the validation loss."""
        loss = trainer.callback_metrics.get("validation/loss")
        if loss is not None and trainer.is_global_zero:
            self.say(f"{self.title}: step {trainer.global_step:,}  validation loss {float(loss):.4f}")

    def say(self, text: str) -> None:
        """A line above the bar, or just a line."""
        if self.bar is not None:
            self.bar.console.print(text, highlight=False)
        else:
            print(text, flush=True)

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Close the bar whatever happened."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
