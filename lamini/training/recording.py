"""Counts and metrics.jsonl: real response tokens a second (padding never counts), written for every logged step."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import pytorch_lightning as pl

from lamini.data.datamodule import Step
from lamini.training.loggers import Metrics

WINDOW = 50  # steps over which the reported training loss and speed are averaged


class Recorder(pl.Callback):
    """Keeps the sums of a run over its interruptions and writes the local metrics."""

    def __init__(self, metrics: Metrics, every: int, pairs_per_epoch: int) -> None:
        self.metrics, self.every, self.pairs_per_epoch = metrics, every, pairs_per_epoch
        self.sums = {"pairs": 0, "response_tokens": 0, "prompt_tokens": 0, "padded_tokens": 0}
        self.seconds = 0.0
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.recent: deque[tuple[int, float]] = deque(maxlen=WINDOW)

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Forget records behind the checkpoint."""
        self.metrics.rewind(trainer.global_step)

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start the clock of a step."""
        self.began = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batch: Step,
        batch_idx: int,
    ) -> None:
        """Add the step to the sums and write a record where one is due."""
        seconds = time.perf_counter() - self.began
        self.seconds += seconds
        for name in self.sums:
            self.sums[name] += getattr(batch, name)
        self.recent.append((batch.response_tokens, seconds))
        values = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("train/")
        }
        self.losses.append(values["train/loss"])
        if trainer.global_step % self.every == 0 or trainer.global_step == trainer.max_steps:
            values["train/response_tokens_per_second"] = self.recent_speed
            values["train/padding_share"] = (
                1 - (batch.prompt_tokens + batch.response_tokens) / batch.padded_tokens
            )
            self.write(trainer, values)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write the validation record."""
        loss = trainer.callback_metrics.get("validation/loss")
        if loss is not None:
            self.metrics.write(trainer.global_step, self.epoch, {"validation/loss": float(loss)})

    def write(self, trainer: pl.Trainer, values: dict[str, float]) -> None:
        """One record to metrics.jsonl, and to the loggers what Lightning does not send by itself."""
        self.metrics.write(trainer.global_step, self.epoch, values)
        own = {name: value for name, value in values.items() if name not in trainer.callback_metrics}
        for logger in trainer.loggers:
            logger.log_metrics({**own, "epoch": self.epoch}, step=trainer.global_step)

    @property
    def epoch(self) -> float:
        """Passes over the mixture so far."""
        return self.sums["pairs"] / self.pairs_per_epoch

    @property
    def recent_speed(self) -> float:
        """Response tokens a second over the last steps."""
        return sum(tokens for tokens, _ in self.recent) / max(
            sum(seconds for _, seconds in self.recent), 1e-9
        )

    @property
    def speed(self) -> float:
        """Response tokens a second over the whole run, training steps only."""
        return self.sums["response_tokens"] / max(self.seconds, 1e-9)

    @property
    def padding_share(self) -> float | None:
        """Of all tokens computed, those that were padding."""
        padded = self.sums["padded_tokens"]
        real = self.sums["prompt_tokens"] + self.sums["response_tokens"]
        return 1 - real / padded if padded else None

    @property
    def train_loss(self) -> float | None:
        """Mean over the last steps."""
        return sum(self.losses) / len(self.losses) if self.losses else None

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must remember."""
        return {"sums": dict(self.sums), "seconds": self.seconds, "losses": list(self.losses)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.sums, self.seconds = dict(state["sums"]), state["seconds"]
        self.losses = deque(state["losses"], maxlen=WINDOW)
