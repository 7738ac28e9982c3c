"""FSDP2 on two processes: the numbers, files and interruptions of one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lamini.config import Strategy
from lamini.data.datamodule import Step
from lamini.training import fit
from lamini.training.module import StudentModule
from lamini.training.sharding import inside, sharded, strategy_of
from tests.students import tiny
from tests.training import small

CALM = {
    "gpt2": ("architecture.resid_pdrop=0.0", "architecture.attn_pdrop=0.0"),
    "t5": ("architecture.dropout_rate=0.0",),
}
FSDP = ("trainer.devices=2", "trainer.threads=2", "trainer.strategy=fsdp")
SAVED = ("trainer.checkpoint_every=2", "trainer.max_steps=8", "validation.every=4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sharding")


def assert_close(run: Path, expected: Path) -> None:
    """Loss curve, weights and optimizer within fp32's last bits, under the same names."""
    assert small.record(run)["status"] == "done", small.record(run)["error"]
    left, right = (torch.load(r / "checkpoints" / "last.ckpt", weights_only=True) for r in (run, expected))
    assert left.keys() == right.keys()
    for name, tensor in right["state_dict"].items():
        torch.testing.assert_close(left["state_dict"][name], tensor, rtol=1e-5, atol=1e-6, msg=name)
    (ours,), (theirs,) = left["optimizer_states"], right["optimizer_states"]
    assert ours["param_groups"] == theirs["param_groups"] and ours["state"].keys() == theirs["state"].keys()
    for number, state in theirs["state"].items():
        torch.testing.assert_close(ours["state"][number], state, rtol=1e-5, atol=1e-6)
    for a, b in zip(small.metrics(run), small.metrics(expected), strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - {"train/padding_share"}:  # micro-batches are cut for two devices
            assert a[name] == pytest.approx(b[name], rel=1e-5), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ("t5", ()),
        ("gpt2", ()),
        ("gpt2", ("adapter=lora",)),
        ("t5", ("trainer.gradient_checkpointing=true",)),
    ],
    ids=lambda value: value if isinstance(value, str) else "".join(value),
)
def test_a_sharded_student_trains_as_one_process_does(
    folder: Path, shape: str, more: tuple[str, ...]
) -> None:
    line = (*CALM[shape], "optimizer.eps=1e-3", *more)
    name = "-".join((shape, *more)).replace("=", "-")
    one = small.train(folder / name, shape, *line)
    two = small.train(folder / f"{name}-two", shape, *line, *FSDP)
    assert_close(two, one)
    answers = [small.lines(run / "answers.jsonl") for run in (one, two)]
    assert answers[0] == answers[1]
    left, right = (load_file(run / "export" / "model.safetensors") for run in (one, two))
    assert left.keys() == right.keys() and not any("lora" in name for name in left)
    for weight, tensor in left.items():
        torch.testing.assert_close(right[weight], tensor, rtol=1e-5, atol=1e-6, msg=weight)


def stopped_life(rank: int, *arguments: Any) -> None:
    """The second of two ranks is asked to stop in its fifth step."""
    _in_step(5, 1, signal.SIGTERM)
    fit_life(rank, *arguments)


def killed_life(rank: int, *arguments: Any) -> None:
    """The second of two ranks dies in its sixth step, as if the memory were full."""
    _in_step(6, 1, signal.SIGKILL)
    fit_life(rank, *arguments)


fit_life = fit.life  # before a test puts one of the above in its place


def _in_step(step: int, rank: int, number: int) -> None:
    original = StudentModule.training_step

    def training_step(self: StudentModule, batch: Step, batch_idx: int) -> dict[str, float]:
        if self.global_step == step - 1 and self.global_rank == rank:
            os.kill(os.getpid(), number)
        return original(self, batch, batch_idx)

    StudentModule.training_step = training_step  # type: ignore[method-assign]


@pytest.mark.slow
@pytest.mark.parametrize("life", [stopped_life, killed_life])
def test_a_sharded_run_continues_bit_for_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, life: Any
) -> None:
    straight = folder / "straight" / "run"
    if not straight.exists():
        small.train(straight.parent, "t5", *FSDP, *SAVED)
    place = folder / life.__name__
    with monkeypatch.context() as patch:
        patch.setattr(fit, "life", life)
        run = small.train(place, "t5", *FSDP, *SAVED)
    record = small.record(run)
    if life is stopped_life:
        assert (record["status"], record["steps"]) == ("interrupted", 5)
    else:
        assert (record["status"], record["steps"]) == ("failed", 4)
    small.train(place, "t5", *FSDP, *SAVED)
    assert small.record(run)["status"] == "done"
    small.assert_equal(small.weights(run), small.weights(straight))
    small.assert_equal(small.weights(run, "best"), small.weights(straight, "best"))
    assert small.metrics(run) == small.metrics(straight)
    assert small.lines(run / "answers.jsonl") == small.lines(straight / "answers.jsonl")


@pytest.mark.slow
def test_what_two_began_one_process_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = (*CALM["gpt2"], "optimizer.eps=1e-3", *SAVED, "adapter=lora")
    one = small.train(folder / "alone", "gpt2", *line)
    with monkeypatch.context() as patch:
        patch.setattr(fit, "life", stopped_life)
        run = small.train(folder / "shared", "gpt2", *line, *FSDP)
    assert small.record(run)["status"] == "interrupted"
    small.train(folder / "shared", "gpt2", *line)
    assert_close(run, one)


def test_a_whole_student_is_computed_as_it_is() -> None:
    model = tiny.causal("gpt2", 64)
    assert not sharded(model)
    assert inside(model, lambda a, b: a + b, 1, 2) == 3


def test_one_device_needs_no_strategy_and_several_copy_unless_told(tmp_path: Path) -> None:
    trainer = small.config(tmp_path, "t5").trainer
    assert strategy_of(trainer) == "auto"
    trainer.devices = 2
    assert strategy_of(trainer) == "ddp"
    trainer.strategy = Strategy.ddp
    assert strategy_of(trainer) == "ddp"
