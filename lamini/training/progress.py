"""Student k of n, step, loss, response tokens/s, time left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from lamini.report import duration
from lamini.training.recording import Recorder

SECONDS = 15.0  # between plain lines


class ProgressDisplay(pl.Callback):
    """Shows how far a student is. `name` is the run, `number` of `total` its place in the sweep.

    `console` replaces standard output; whether it is a terminal decides between bar and lines.
    """

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        number: int,
        total: int,
        steps: int,
        console: Console | None = None,
    ) -> None:
        self.recorder, self.steps = recorder, steps
        self.title = f"[{number}/{total}] {name}"
        self.console = console or Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
        self.bar: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Open the bar, or say how much there is to do."""
        self.began, self.first = time.perf_counter(), trainer.global_step
        self.said = self.began
        if not trainer.is_global_zero:
            return
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[facts]}"),
            )
            self.bar = Progress(*columns, console=self.console)
            self.task = self.bar.add_task(self.title, total=self.steps, completed=self.first, facts="")
            self.bar.start()
        else:
            where = f"continues after step {self.first:,} of " if self.first else ""
            self.say(f"{where}{self.steps:,} steps")

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        """Move the bar; print a line where enough time has passed."""
        if not trainer.is_global_zero:
            return
        now, step = time.perf_counter(), trainer.global_step
        if self.bar is not None:
            self.bar.update(self.task, completed=step, facts=self.facts(step, now))
        elif step == self.steps or now - self.said >= SECONDS:
            self.said = now
            self.say(self.facts(step, now))

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Show the validation loss."""
        if trainer.is_global_zero:
            loss = float(trainer.callback_metrics["validation/loss"])
            self.say(f"step {trainer.global_step:,}/{self.steps:,}  validation loss {loss:.4f}")

    def facts(self, step: int, now: float) -> str:
        """Step, loss, speed and time left, at the pace since this start."""
        left = (now - self.began) / max(step - self.first, 1) * (self.steps - step)
        return (
            f"step {step:,}/{self.steps:,}  loss {float(self.recorder.losses[-1]):.3f}"
            f"  {self.recorder.recent_speed:,.0f} response tokens/s  {duration(left)} left"
        )

    def say(self, text: str) -> None:
        """A line; on a terminal it stands above the bar."""
        self.console.print(f"{self.title}: {text}")

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Close the bar whatever happened."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
