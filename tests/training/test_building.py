"""Students are built as they are to be trained."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from lamini.training.building import equip
from lamini.training.module import StudentModule
from lamini.training.prepare import prepare
from tests.training import small


def test_published_weights_are_trained_with_dropout(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """They are loaded in evaluation mode, and Lightning leaves the mode as it finds it."""
    scratch = small.train(tmp_path / "a", "gpt2", "trainer.max_steps=1", "validation.every=1")
    modes: list[bool] = []
    original = StudentModule.training_step

    def training_step(self: StudentModule, *arguments: object) -> object:
        modes.append(all(m.training for m in self.model.modules() if isinstance(m, nn.Dropout)))
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(StudentModule, "training_step", training_step)
    shape = [line for line in small.SHAPES["gpt2"] if not line.startswith("architecture.")]
    monkeypatch.setitem(small.SHAPES, "published", shape)
    run = small.train(
        tmp_path / "b", "published", "init=pretrained", f"checkpoint={scratch / 'export'}",
        "vocabulary=null", "tokenizer=" + str(scratch / "export"),
    )  # fmt: skip
    assert small.record(run)["status"] == "done", small.record(run)["error"]
    assert modes == [True] * 6  # validations in between, and answers, put the mode back


def test_the_configuration_decides_how_it_computes(tmp_path: Path) -> None:
    config = small.config(tmp_path, "gpt2", "trainer.head=plain", "trainer.gradient_checkpointing=true")
    student = prepare(config).student
    equip(config, student)
    assert student.head_loss == "plain" and student.ready().is_activation_checkpointing
    assert student.ready().training
