"""Memory and MFU of a run: where the device's peak is known, by the operations of real tokens."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lamini.data.datamodule import Step
from lamini.training import memory
from lamini.training.loggers import Metrics
from lamini.training.recording import Hardware, Recorder
from tests.training import small

CPU = torch.device("cpu")


def trainer(step: int) -> Any:
    return SimpleNamespace(global_step=step, max_steps=9, is_global_zero=True, loggers=[])


def run(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Steps of two seconds each, two pairs of 3 + 5 tokens."""
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr("lamini.training.recording.time.perf_counter", lambda: next(clock))
    step = Step([], 10, 14, 16, 2, np.array([3, 3]), np.array([5, 5]))
    module: Any = SimpleNamespace(settle=lambda: None)
    for number in range(1, steps + 1):
        recorder.on_train_batch_start(trainer(number - 1), module, step, 0)
        recorder.on_train_batch_end(trainer(number), module, {"train/loss": 1.0}, step, 0)


def operations(prompt_N: np.ndarray, response_N: np.ndarray) -> float:
    return 100.0 * float(prompt_N.sum() + response_N.sum())


def test_mfu_is_operations_over_time_and_peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(Metrics(tmp_path / "m.jsonl"), 1, 8, Hardware(CPU, 4000.0, operations))
    run(recorder, monkeypatch, 3)
    # A step: 1,600 operations in 2 seconds, where 8,000 could have been done.
    assert recorder.mfu == pytest.approx(0.2)
    assert [row["train/mfu"] for row in small.lines(tmp_path / "m.jsonl")] == pytest.approx([0.2] * 3)
    again = Recorder(Metrics(tmp_path / "n.jsonl"), 1, 8, Hardware(CPU, 4000.0, operations))
    again.load_state_dict(recorder.state_dict())
    assert again.mfu == recorder.mfu and again.peak_memory == recorder.peak_memory > 0


def test_without_a_peak_there_is_no_mfu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(Metrics(tmp_path / "m.jsonl"), 1, 8, Hardware(CPU, None, operations))
    run(recorder, monkeypatch, 1)
    (row,) = small.lines(tmp_path / "m.jsonl")
    assert recorder.mfu is None and "train/mfu" not in row
    assert row["train/memory_gib"] == pytest.approx((memory.peak(CPU) or 0) / 2**30, rel=0.1)


def test_a_run_has_both_in_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small.train(tmp_path / "a", "t5")
    record = small.record(run)
    assert record["mfu"] is None and 0.1 < record["peak_memory_gib"] < 16
    monkeypatch.setattr("lamini.training.peaks.peak", lambda device, precision: 1e9)
    record = small.record(small.train(tmp_path / "b", "t5"))
    assert 0 < record["mfu"] < 100
