"""This project's loop on token ids that no text stands behind: its data module, its module, Lightning.

What `lamini.training.fit` puts together from a configuration, without a run folder; everything that is
timed is the real thing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl

from lamini.config import TrainConfig
from lamini.data.datamodule import PairsDataModule
from lamini.data.order import Order
from lamini.data.tokens import Part, Tokens
from lamini.training.devices import precision_of
from lamini.training.module import StudentModule
from lamini.training.prepare import suited


def token_cache(folder: Path, prompt_N: np.ndarray, response_N: np.ndarray, vocabulary: int) -> Tokens:
    """Random ids of these lengths in a memory-mapped file, as the token cache has them.

    Ids 0 to 9 are left out: padding and end are among them.
    """
    offsets = np.concatenate([[0], np.cumsum(prompt_N.astype(np.int64) + response_N)])
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.random.default_rng(0).integers(10, vocabulary, offsets[-1], dtype=np.uint16)
    np.save(folder / "ids.npy", ids)
    part = Part(np.load(folder / "ids.npy", mmap_mode="r"), offsets)
    return Tokens([part], prompt_N, response_N, np.arange(len(prompt_N)))


def data_module(
    config: TrainConfig, student: Any, tokens: Tokens, steps: int, workers: int = 0
) -> PairsDataModule:
    """The real data module; the configuration names one batching, not `auto`."""
    longest_K = student.sides(tokens.prompt_lengths_N, tokens.response_lengths_N).max(axis=0)
    batching = suited(config.batching, config, student, longest_K)
    order = Order([len(tokens)], [1.0], config.seed)
    nothing = Tokens([], np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64))
    return PairsDataModule(
        student, tokens, order, nothing, batching, batch_size=config.batch_size,
        micro_tokens=config.size.micro_tokens, steps=steps, seed=config.seed, num_workers=workers,
    )  # fmt: skip


class Measured(pl.Callback):
    """Seconds from the end of step `warm` to the end of the last one, and what the steps between held."""

    def __init__(
        self, warm: int, wait: Callable[[], None] = lambda: None, enough: float = float("inf")
    ) -> None:
        self.warm, self.wait, self.enough = warm, wait, enough
        self.seconds, self.steps = 0.0, []  # type: ignore[var-annotated]

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Read the clock; end the run where it has taken `enough` seconds."""
        if batch_idx + 1 < self.warm:
            return
        if batch_idx + 1 == self.warm:
            self.wait()
            self.began = time.perf_counter()
            return
        self.steps.append((batch.response_tokens, batch.positions, batch.padded_positions))
        trainer.should_stop = time.perf_counter() - self.began > self.enough
        if trainer.should_stop or batch_idx + 1 == trainer.max_steps:
            self.wait()  # once, not after every step: a run does not wait there either
        self.seconds = time.perf_counter() - self.began


def fitted(config: TrainConfig, data: PairsDataModule, measured: Measured, folder: Path) -> None:
    """Train over the data module's steps."""
    module = StudentModule(
        data.student,
        config.optimizer,
        config.scheduler,
        data.steps,
        config.seed,
        config.trainer.gradient_clip,
    )
    trainer = pl.Trainer(
        accelerator=config.trainer.accelerator, devices=1, precision=precision_of(config.trainer),  # type: ignore[arg-type]
        max_steps=data.steps, max_epochs=1, limit_val_batches=0, num_sanity_val_steps=0, logger=False,
        use_distributed_sampler=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, callbacks=[measured], default_root_dir=folder,
    )  # fmt: skip
    trainer.fit(module, data)
