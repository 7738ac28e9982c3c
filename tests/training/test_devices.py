"""Precision and memory on one device: how near bf16 comes; activations computed twice cost no bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lamini.config import Strategy
from lamini.data.datamodule import Step
from lamini.training.devices import device_of
from lamini.training.module import StudentModule
from tests.training import small

BF16 = 2**-8  # relative spacing of bf16's numbers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("devices")


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
@pytest.mark.parametrize("shape", ["t5", "gpt2"])
def test_bf16_is_near_fp32_and_continues_bit_for_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, shape: str, precision: str
) -> None:
    """Six steps from a loss of ln(vocabulary): the losses differ by less than bf16's own rounding."""
    exact = folder / shape / "run"
    if not exact.exists():
        small.train(exact.parent, shape)
    line = (f"trainer.precision={precision}",)
    straight = small.train(folder / f"{shape}-{precision}", shape, *line)
    for row, expected in zip(small.metrics(straight), small.metrics(exact), strict=True):
        for name in row.keys() & {"train/loss", "validation/loss"}:
            assert row[name] != expected[name]
            assert row[name] == pytest.approx(expected[name], rel=BF16), name
            # in fp32, whatever the weights are: bf16 has three digits
            assert torch.tensor(row[name], dtype=torch.bfloat16).item() != row[name], name
    stored = torch.bfloat16 if precision == "bf16-true" else torch.float32
    assert {tensor.dtype for tensor in small.weights(straight).values()} == {stored}
    assert {tensor.dtype for tensor in load_file(straight / "export" / "model.safetensors").values()} == {
        stored
    }
    place = folder / f"{shape}-{precision}-stopped"
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        run = small.train(place, shape, *line)
    assert small.record(run)["status"] == "interrupted"
    small.train(place, shape, *line)
    small.assert_equal(small.weights(run), small.weights(straight))
    assert small.metrics(run) == small.metrics(straight)


@pytest.mark.parametrize("shape", ["t5", "gpt2", "llama"])
def test_gradient_checkpointing_changes_no_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    """Dropout included: the random state is set back for the second time."""
    plain = folder / shape / "run"
    if not plain.exists():
        small.train(plain.parent, shape)
    again, original = [], StudentModule.training_step

    def training_step(self: StudentModule, step: Step, batch_idx: int) -> dict[str, float]:
        again.append(self.model.is_activation_checkpointing)
        return original(self, step, batch_idx)

    monkeypatch.setattr(StudentModule, "training_step", training_step)
    run = small.train(folder / f"{shape}-again", shape, "trainer.gradient_checkpointing=true")
    assert small.record(run)["status"] == "done", small.record(run)["error"]
    assert again == [True] * 6
    small.assert_equal(small.weights(run), small.weights(plain))
    assert small.metrics(run) == small.metrics(plain)


def test_a_student_that_is_sharded_is_whole_on_the_cpu_only(tmp_path: Path) -> None:
    trainer = small.config(tmp_path, "t5").trainer
    trainer.strategy = Strategy.fsdp
    assert device_of(trainer, 1) == torch.device("cpu")
