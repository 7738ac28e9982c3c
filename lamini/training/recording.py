"""Counts and metrics: real response tokens a second (padding never counts), written where a step is due.

The one place from which numbers go to metrics.jsonl and to the loggers, so that both tell the same under the
same names. Lightning's own way of logging would turn every number into a tensor and back at every step.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any, SupportsFloat

import pytorch_lightning as pl
import torch

from lamini.data.datamodule import Step
from lamini.students.operations import Operations
from lamini.training import memory
from lamini.training.loggers import Metrics

WINDOW = 50  # steps over which the reported training loss and speed are averaged


@dataclass(frozen=True)
class Hardware:
    """What the numbers of a run are held against."""

    device: torch.device
    peak: float | None = None  # operations a second of all devices together; None: unknown, so no MFU
    operations: Operations | None = None  # of the student


class Recorder(pl.Callback):
    """Keeps the sums of a run over its interruptions and writes its metrics."""

    def __init__(
        self, metrics: Metrics, every: int, pairs_per_epoch: int, hardware: Hardware | None = None
    ) -> None:
        """`hardware` is the CPU where none is given."""
        self.metrics, self.every, self.pairs_per_epoch = metrics, every, pairs_per_epoch
        self.hardware = hardware or Hardware(torch.device("cpu"))
        self.operations, self.peak_memory = 0.0, 0
        self.recent_operations: deque[float] = deque(maxlen=WINDOW)
        self.sums = {"pairs": 0, "response_tokens": 0, "positions": 0, "padded_positions": 0}
        self.seconds = 0.0
        self.validation_loss: float | None = None  # the latest
        self.losses: deque[SupportsFloat] = deque(maxlen=WINDOW)
        self.recent: deque[tuple[int, float]] = deque(maxlen=WINDOW)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Forget records behind the checkpoint; only here Lightning has restored the step."""
        if trainer.is_global_zero:
            self.metrics.rewind(trainer.global_step)

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Step, batch_idx: int
    ) -> None:
        """Start the clock of a step."""
        self.began = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: Any,
        outputs: Any,
        batch: Step,
        batch_idx: int,
    ) -> None:
        """Add the step to the sums and write a record where one is due; `outputs` are the step's numbers."""
        seconds = time.perf_counter() - self.began
        self.seconds += seconds
        for name in self.sums:
            self.sums[name] += getattr(batch, name)
        self.recent.append((batch.response_tokens, seconds))
        self._count(batch)
        self.losses.append(outputs["train/loss"])
        if trainer.global_step % self.every == 0 or trainer.global_step == trainer.max_steps:
            module.settle()
            outputs = {name: float(number) for name, number in outputs.items()}
            speed, padding = self.recent_speed, 1 - batch.positions / batch.padded_positions
            own = {"train/response_tokens_per_second": speed, "train/padding_share": padding}
            self.write(trainer, outputs | own | self._own())

    def _count(self, batch: Step) -> None:
        """Operations of the step, where there is a peak to hold them against."""
        if self.hardware.operations is not None and self.hardware.peak is not None:
            count = self.hardware.operations(batch.prompt_N, batch.response_N)
            self.operations += count
            self.recent_operations.append(count)

    def _own(self) -> dict[str, float]:
        """Numbers that not every machine has: memory, the highest so far, and MFU."""
        self.peak_memory = max(self.peak_memory, memory.peak(self.hardware.device) or 0)
        known = {"train/memory_gib": self.peak_memory / 2**30} if self.peak_memory else {}
        if self.hardware.peak is not None and self.recent_operations:
            seconds = sum(seconds for _, seconds in self.recent)
            known["train/mfu"] = sum(self.recent_operations) / (max(seconds, 1e-9) * self.hardware.peak)
        return known

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write the validation record."""
        self.validation_loss = float(trainer.callback_metrics["validation/loss"])
        self.write(trainer, {"validation/loss": self.validation_loss})

    def write(self, trainer: pl.Trainer, values: dict[str, float]) -> None:
        """One record to metrics.jsonl and to every logger; ranks above the first are silent."""
        if not trainer.is_global_zero:
            return
        self.metrics.write(trainer.global_step, self.epoch, values)
        for logger in trainer.loggers:
            logger.log_metrics({**values, "epoch": self.epoch}, step=trainer.global_step)

    @property
    def epoch(self) -> float:
        """Passes over the mixture so far."""
        return self.sums["pairs"] / self.pairs_per_epoch

    @property
    def recent_speed(self) -> float:
        """Response tokens a second over the last steps."""
        tokens, seconds = map(sum, zip(*self.recent, strict=True))
        return float(tokens / max(seconds, 1e-9))

    @property
    def speed(self) -> float:
        """Response tokens a second over the whole run, training steps only."""
        return self.sums["response_tokens"] / max(self.seconds, 1e-9)

    @property
    def mfu(self) -> float | None:
        """Share of the devices' peak that the run's training steps reached; None where that is unknown."""
        peak = self.hardware.peak
        return None if peak is None or not self.operations else self.operations / (self.seconds * peak)

    @property
    def padding_share(self) -> float | None:
        """Of all positions computed, those that were padding."""
        padded = self.sums["padded_positions"]
        return 1 - self.sums["positions"] / padded if padded else None

    @property
    def train_loss(self) -> float | None:
        """Mean over the last steps."""
        return sum(map(float, self.losses)) / len(self.losses) if self.losses else None

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must remember: plain values, which `weights_only` loading accepts."""
        return {
            "sums": dict(self.sums),
            "seconds": self.seconds,
            "operations": self.operations,
            "peak_memory": self.peak_memory,
            "losses": [float(loss) for loss in self.losses],
            "validation_loss": self.validation_loss,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.seconds = state["seconds"]
        self.operations, self.peak_memory = state.get("operations", 0.0), state.get("peak_memory", 0)
        self.sums.update((name, state["sums"][name]) for name in self.sums if name in state["sums"])
        self.losses = deque(state["losses"], maxlen=WINDOW)
        self.validation_loss = state["validation_loss"]
