"""A run that is stopped anywhere, however, and continued: not a bit of it differs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lamini.data.datamodule import PairsDataModule
from lamini.training import fit
from lamini.training.answers import Answers
from lamini.training.prepare import prepare
from tests.training import small

STEPS = 24  # of six pairs: more than two passes over the 54 that do not validate
LONG = (f"trainer.max_steps={STEPS}", "validation.every=10", "trainer.checkpoint_every=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("resume")


@pytest.fixture(scope="module")
def straight(folder: Path) -> Callable[[str, str], Path]:
    runs: dict[tuple[str, str], Path] = {}

    def get(shape: str, optimizer: str) -> Path:
        if (shape, optimizer) not in runs:
            place = folder / f"straight-{shape}-{optimizer}"
            runs[shape, optimizer] = small.train(place, shape, *LONG, f"optimizer={optimizer}")
        return runs[shape, optimizer]

    return get


# 10 is validated, 24 is the last; 18 ends inside a batch that straddles two epochs.
@pytest.mark.parametrize(
    ("shape", "optimizer", "step"),
    [("t5", "adamw", step) for step in (1, 10, 13, 23, 24)]
    + [("gpt2", "adafactor", 11), ("t5", "adafactor", 18), ("gpt2", "adamw", 7)],
)
def test_an_interrupted_run_continues_bit_for_bit(
    straight: Callable[[str, str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shape: str,
    optimizer: str,
    step: int,
) -> None:
    expected = straight(shape, optimizer)
    place = expected.parent.parent / tmp_path.name
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        small.stop_after(step, patch)
        run = small.train(place, shape, *LONG, f"optimizer={optimizer}")
    record = small.record(run)
    assert record["status"] == "interrupted" and record["steps"] == step
    if step < STEPS:
        assert record["validation_loss"] is None
    assert signal.getsignal(signal.SIGINT) is before
    small.train(place, shape, *LONG, f"optimizer={optimizer}")
    assert_same_run(run, expected)


def assert_same_run(run: Path, expected: Path) -> None:
    """Weights, metrics, answers, counts and losses: everything but the clock and the checkout's state."""
    small.assert_equal(small.weights(run), small.weights(expected))
    small.assert_equal(small.weights(run, "best"), small.weights(expected, "best"))
    assert small.metrics(run) == small.metrics(expected)
    assert small.lines(run / "answers.jsonl") == small.lines(expected / "answers.jsonl")
    left, right = small.record(run), small.record(expected)
    for record in (left, right):  # somebody may commit while the tests run
        del record["provenance"]["git_commit"], record["provenance"]["git_dirty"]
    clock = {"seconds", "response_tokens_per_second", "wandb_id", "peak_memory_gib"}
    assert {k: v for k, v in left.items() if k not in clock} == {
        k: v for k, v in right.items() if k not in clock
    }


def test_the_straight_run_accumulates_straddles_epochs_and_drops_out(
    straight: Callable[[str, str], Path],
) -> None:
    run = straight("t5", "adamw")
    record = small.record(run)
    assert record["epochs"] > 2 and record["data"]["pairs"] % 6
    config = small.config(run.parent, "t5", *LONG)
    prepared = prepare(config)
    data = PairsDataModule(
        prepared.student, prepared.train, prepared.order, prepared.validation, prepared.batching,
        batch_size=6, micro_tokens=160, steps=STEPS, seed=42,
    )  # fmt: skip
    assert any(len(data.step(number).micro_batches) > 1 for number in range(STEPS))
    assert config.architecture["dropout_rate"] == 0.1


KILLED = """
import sys
from pathlib import Path
from lamini.training.module import StudentModule
from lamini.training.prepare import prepare
from tests.training import small
original = StudentModule.training_step
def training_step(self, batch, batch_idx):
    if self.global_step == 12:
        print("here", flush=True)
        import time; time.sleep(60)
    return original(self, batch, batch_idx)
StudentModule.training_step = training_step
small.train(Path(sys.argv[1]), "t5", *sys.argv[2:])
"""


def test_a_killed_run_continues_bit_for_bit(straight: Callable[[str, str], Path]) -> None:
    expected = straight("t5", "adamw")
    place = expected.parent.parent / "killed"
    command = [sys.executable, "-c", KILLED, str(place), *LONG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("here" in line for line in process.stdout)
        process.kill()
    run = place / "run"
    assert small.record(run)["status"] == "running" and small.record(run)["steps"] == 12
    torn = run / "checkpoints" / ".last.ckpt"
    torn.write_bytes((run / "checkpoints" / "last.ckpt").read_bytes()[:100])
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 13, "train/l')
    small.train(place, "t5", *LONG)
    assert_same_run(run, expected)


def test_a_run_that_broke_in_a_validation_validates_again(
    straight: Callable[[str, str], Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records and its best loss are on disk then, but no checkpoint that knows of them."""
    with monkeypatch.context() as patch:
        patch.setattr(Answers, "on_validation_end", lambda *args: 1 / 0)
        run = small.train(folder / "validating", "t5", *LONG)
    assert small.record(run)["status"] == "failed" and small.record(run)["steps"] == 8
    assert_same_run(small.train(folder / "validating", "t5", *LONG), straight("t5", "adamw"))


def test_a_second_ctrl_c_stops_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small.stop_after(2, monkeypatch, signal.SIGINT)
    original = torch.nn.utils.clip_grads_with_norm_

    def clip(*args: object, **kwargs: object) -> object:
        clips.append(1)
        if len(clips) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    clips: list[int] = []
    monkeypatch.setattr(torch.nn.utils, "clip_grads_with_norm_", clip)
    run = small.train(folder / "twice", "gpt2", "trainer.checkpoint_every=1")
    assert small.record(run)["status"] == "interrupted" and small.record(run)["steps"] == 1
    assert "stopped at once by SIGINT; the same line continues it" in capsys.readouterr().out


def test_a_signal_before_training_stops_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(config: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        raise AssertionError("the signal was not heard")

    monkeypatch.setattr(fit, "prepare", slow)
    run = small.train(folder / "early", "gpt2")
    assert small.record(run)["status"] == "interrupted"
    assert small.record(run)["error"] == "stopped at once by SIGTERM"


def test_a_worker_that_makes_the_batches_changes_nothing(
    straight: Callable[[str, str], Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU the next step is made while this one is computed; a resumed run begins at its own step."""
    monkeypatch.setattr(fit, "uses_cuda", lambda trainer: True)
    with monkeypatch.context() as patch:
        small.stop_after(13, patch)
        small.train(folder / "worker", "t5", *LONG)
    assert_same_run(small.train(folder / "worker", "t5", *LONG), straight("t5", "adamw"))
