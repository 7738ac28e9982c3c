"""Real runs of very small students: composed like a user's line, trained in well under a second."""

from __future__ import annotations

import copy
import json
import os
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lamini.children import hear
from lamini.compose import compose
from lamini.config import TrainConfig
from lamini.data.datamodule import Step
from lamini.training import fit
from lamini.training.module import StudentModule

LINE = [
    "vocabulary=512", "batch_size=6", "size.micro_tokens=160", "context=128",
    "data.pairs=60", "data.held_out=0", "validation.held_out=2", "validation.limit=6", "validation.share=0.1",
    "validation.answers=1", "validation.every=3", "trainer.max_steps=6", "trainer.threads=1",
    "trainer.log_every=2", "trainer.accelerator=cpu", "logger=none",
]  # fmt: skip
SHAPES = {
    "t5": [
        "model=t5-nano", "architecture.d_model=16", "architecture.d_kv=8", "architecture.num_heads=2",
        "architecture.d_ff=32", "architecture.num_layers=1", "architecture.num_decoder_layers=1",
        "architecture.dropout_rate=0.1",
    ],
    "gpt2": [
        "model=gpt2-nano", "architecture.n_embd=16", "architecture.n_layer=1", "architecture.n_head=2",
        "architecture.n_inner=32", "architecture.resid_pdrop=0.1", "architecture.attn_pdrop=0.1",
    ],
    "llama": [
        "model=llama-nano", "architecture.hidden_size=16", "architecture.intermediate_size=32",
        "architecture.num_hidden_layers=1", "architecture.num_attention_heads=2",
        "architecture.num_key_value_heads=2",
    ],
}  # fmt: skip


def config(folder: Path, shape: str, *overrides: str) -> TrainConfig:
    """The configuration of a tiny student; runs of one `folder` share their caches."""
    paths = [f"paths.output_dir={folder}", f"paths.cache_dir={folder.parent / 'cache'}"]
    return copy.deepcopy(_composed((*SHAPES[shape], *LINE, *paths, *overrides)))


@cache
def _composed(line: tuple[str, ...]) -> TrainConfig:
    return compose("train", line)


def train(folder: Path, shape: str, *overrides: str) -> Path:
    """Train it in `folder`/run and return that.

    Also as a process of its own: one that a server which does not hear signals has forked hears them here.
    """
    hear()
    fit.run(config(folder, shape, *overrides), folder / "run")
    return folder / "run"


def record(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text()))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def metrics(run: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what a clock or the process decides."""
    clock = {"time", "train/response_tokens_per_second", "train/memory_gib"}
    rows = lines(run / "metrics.jsonl")
    return [{name: value for name, value in row.items() if name not in clock} for row in rows]


def weights(run: Path, name: str = "last") -> dict[str, Tensor]:
    checkpoint = torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return dict(checkpoint["state_dict"])


def assert_equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        assert torch.equal(tensor, right[name]), name


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Until another process did something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to it"
        time.sleep(0.02)


def stop_after(step: int, monkeypatch: pytest.MonkeyPatch, number: int = signal.SIGTERM) -> None:
    """Send this process a signal while that step is computed, as a scheduler would."""
    original = StudentModule.training_step

    def training_step(self: StudentModule, batch: Step, batch_idx: int) -> dict[str, float]:
        if self.global_step == step - 1:
            os.kill(os.getpid(), number)
        return original(self, batch, batch_idx)

    monkeypatch.setattr(StudentModule, "training_step", training_step)
