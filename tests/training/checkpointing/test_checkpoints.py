"""When checkpoints are written: by steps, by the clock, after validations, and on a disk that fills up."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from lamini.runs import BESIDES
from lamini.training.checkpointing import checkpoints
from lamini.training.checkpointing.hashing import HashingIO
from lamini.training.checkpointing.kept import Kept, Saved
from tests.training import small
from tests.training.test_resume import assert_same_run

ALWAYS = "trainer.checkpoint_minutes=1e-9"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Step, and whether it was validated, of every checkpoint."""
    original, steps = Kept.add, []

    def add(self: Kept, saved: Saved) -> None:
        steps.append((saved.step, saved.validation_loss is not None))
        original(self, saved)

    monkeypatch.setattr(Kept, "add", add)
    return steps


def test_the_clock_saves_between_the_steps_that_are_due(
    folder: Path, written: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a minute passes with every look at the clock, a minute is asked for; 3 and 6 are validated."""
    seconds = count(0, 30)
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    small.train(folder / "clock", "gpt2", "trainer.checkpoint_minutes=1", "trainer.checkpoint_every=100")
    assert written == [(2, False), (3, True), (5, False), (6, True)]


def test_a_checkpoint_at_every_step_changes_nothing(folder: Path, written: list[tuple[int, bool]]) -> None:
    expected = small.train(folder / "plain", "t5", "trainer.max_steps=12", "validation.every=5")
    written.clear()
    run = small.train(folder / "always", "t5", "trainer.max_steps=12", "validation.every=5", ALWAYS)
    assert written == [(step, step in {5, 10, 12}) for step in range(1, 13)]
    assert_same_run(run, expected)


def test_a_step_that_is_saved_already_is_not_saved_again(
    folder: Path, written: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    small.stop_after(4, monkeypatch, signal.SIGUSR1)
    run = small.train(folder / "stopped", "gpt2", "trainer.checkpoint_every=2")
    assert small.record(run)["status"] == "interrupted"
    assert written == [(2, False), (3, True), (4, False)]


def test_a_disk_that_fills_up_in_a_tensor_leaves_the_checkpoint_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, saves, limits = HashingIO.save_checkpoint, count(1), resource.getrlimit(resource.RLIMIT_FSIZE)

    def save(self: HashingIO, *args: object, **kwargs: object) -> None:
        if next(saves) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
        try:
            original(self, *args, **kwargs)  # type: ignore[arg-type]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    with monkeypatch.context() as patch:
        patch.setattr(HashingIO, "save_checkpoint", save)
        run = small.train(folder / "full", "gpt2")
    record = small.record(run)
    assert record["status"] == "failed" and record["steps"] == 3
    assert record["error"] == f"{run / 'checkpoints' / 'last.ckpt'} cannot be written: file too large"
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt", "index.json"}
    assert_same_run(small.train(folder / "full", "gpt2"), small.train(folder / "roomy", "gpt2"))


def test_what_is_kept_and_when_may_differ_between_two_starts() -> None:
    keys = ("checkpoint_every", "checkpoint_minutes", "keep_last", "keep_best")
    assert {f"trainer.{key}" for key in keys} <= BESIDES


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_ranks_agree_on_the_clock_and_on_sigusr1(folder: Path) -> None:
    line = (
        "trainer.devices=2", "trainer.threads=2", "trainer.max_steps=200", "validation.every=100",
        "trainer.checkpoint_every=100",
    )  # fmt: skip
    expected = small.train(folder / "ranks", "gpt2", *line)
    run = folder / "ranks-stopped" / "run"
    process = multiprocessing.get_context("forkserver").Process(
        target=small.train, args=(run.parent, "gpt2", *line, ALWAYS)
    )
    process.start()
    try:
        small.wait_for((run / "checkpoints" / "last.ckpt").exists)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGUSR1)
        process.join(120)
    finally:
        process.kill()
    record = small.record(run)
    assert record["status"] == "interrupted" and 0 < record["steps"] < 100, record
    small.train(run.parent, "gpt2", *line, ALWAYS)
    assert_same_run(run, expected)


@pytest.mark.gpu
def test_the_scaler_of_fp16_is_saved_and_restored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scale and its count of good steps; numbers that atomics add up may differ in their last bits."""
    import torch

    line = ("trainer.accelerator=gpu", "trainer.precision=16-mixed", "trainer.max_steps=12")

    def scaler(run: Path) -> dict[str, object]:
        checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        return dict(checkpoint["MixedPrecision"])

    expected = small.train(folder / "scaled", "gpt2", *line)
    with monkeypatch.context() as patch:
        small.stop_after(5, patch)
        run = small.train(folder / "scaled-stopped", "gpt2", *line)
    between = scaler(run)
    assert small.record(run)["steps"] == 5
    assert between.keys() >= {"scale", "growth_factor", "backoff_factor", "_growth_tracker"}
    assert between["_growth_tracker"] != scaler(expected)["_growth_tracker"]
    small.train(folder / "scaled-stopped", "gpt2", *line)
    assert small.record(run)["status"] == "done"
    assert scaler(run) == scaler(expected)
