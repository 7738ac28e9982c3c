"""A run with an adapter: little is trained and saved, a plain whole model comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from lamini.compose import compose
from lamini.errors import UserError
from lamini.students.loading import adapted_outline, build_model
from lamini.training import fit
from lamini.training.planning.plan import forecast
from lamini.training.prepare import prepare
from tests.training import small

LORA = ("adapter=lora", "adapter.r=2", "adapter.dropout=0.1", "optimizer.lr=0.05", "validation.share=0.2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lora")


@pytest.fixture(scope="module", params=["t5", "gpt2", "llama"])
def done(request: pytest.FixtureRequest, folder: Path) -> tuple[str, Path]:
    return request.param, small.train(folder / request.param, request.param, *LORA)


def test_only_the_matrices_are_counted_and_saved(done: tuple[str, Path]) -> None:
    shape, run = done
    record, config = small.record(run), small.config(run.parent, shape, *LORA)
    assert record["status"] == "done", record["error"]
    saved = small.weights(run)
    assert saved and all("lora_" in name for name in saved)
    assert record["trained_parameters"] == sum(tensor.numel() for tensor in saved.values())
    size = len(prepare(config).student.tokenizer)
    trained = [p.numel() for p in adapted_outline(config, size).parameters() if p.requires_grad]
    assert record["trained_parameters"] == sum(trained)
    exported = load_file(run / "export" / "model.safetensors")
    assert record["parameters"] == sum(tensor.numel() for tensor in exported.values())


def test_the_export_is_the_untrained_model_where_nothing_was_learned(done: tuple[str, Path]) -> None:
    shape, run = done
    config = small.config(run.parent, shape)
    before = build_model(config, len(prepare(config).student.tokenizer))
    auto = AutoModelForSeq2SeqLM if shape == "t5" else AutoModelForCausalLM
    after = auto.from_pretrained(run / "export").state_dict()
    targets = {"t5": (".q.", ".v."), "gpt2": (".c_attn.weight",), "llama": ("q_proj", "v_proj")}[shape]
    assert before.state_dict().keys() == after.keys()
    for name, tensor in before.state_dict().items():
        learned = any(target in name for target in targets)
        assert torch.equal(after[name], tensor) != learned, name


def test_the_export_has_the_loss_of_the_student(done: tuple[str, Path]) -> None:
    """The validation loss was measured before the merge."""
    shape, run = done
    prepared = prepare(small.config(run.parent, shape, *LORA))
    student, tokens = prepared.student, prepared.validation
    auto = AutoModelForSeq2SeqLM if shape == "t5" else AutoModelForCausalLM
    student.model = auto.from_pretrained(run / "export")
    rows = range(len(tokens))
    with torch.no_grad():
        total, count = student.loss(
            student.collate([tokens.prompt(row) for row in rows], [tokens.response(row) for row in rows])
        )
    assert float(total / count) == pytest.approx(small.record(run)["validation_loss"], rel=1e-5)


@pytest.mark.parametrize("shape", ["t5", "gpt2"])
def test_an_interrupted_adapter_continues_bit_for_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    straight = small.train(folder / f"straight-{shape}", shape, *LORA)
    place = folder / f"stopped-{shape}"
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        run = small.train(place, shape, *LORA)
    assert small.record(run)["status"] == "interrupted"
    small.train(place, shape, *LORA)
    small.assert_equal(small.weights(run), small.weights(straight))
    small.assert_equal(
        load_file(run / "export" / "model.safetensors"), load_file(straight / "export" / "model.safetensors")
    )
    assert small.metrics(run) == small.metrics(straight)


def test_less_memory_is_planned_for_and_wrong_targets_are_told_before_the_start(folder: Path) -> None:
    whole, part = (
        forecast(small.config(folder / "plan", "gpt2", f"adapter={name}"), folder / "plan" / "run", 1e9)
        for name in ("none", "lora")
    )
    assert part.parameters == whole.parameters and part.memory < whole.memory
    config = small.config(folder / "plan", "gpt2", "adapter=lora", "adapter.targets=[q_proj]")
    with pytest.raises(UserError, match="adapter.targets=.'q_proj'.: Target modules"):
        forecast(config, folder / "plan" / "run", 1e9)


@pytest.mark.gpu
def test_two_steps_of_four_bits_on_a_gpu(folder: Path) -> None:
    pytest.importorskip("bitsandbytes")
    published = small.train(folder / "published", "llama") / "export"
    line = [
        "model=llama-nano", *small.LINE, "init=pretrained", f"checkpoint={published}",
        f"tokenizer={published}", "adapter=qlora", "adapter.r=2", "trainer.accelerator=gpu",
        "trainer.precision=bf16-mixed",
        f"paths.output_dir={folder}", f"paths.cache_dir={folder / 'cache'}", "trainer.max_steps=2",
    ]  # fmt: skip
    run = folder / "qlora" / "run"
    fit.run(compose("train", line), run)
    record = small.record(run)
    assert record["status"] == "done", record["error"]
    assert record["trained_parameters"] < record["parameters"]
    AutoModelForCausalLM.from_pretrained(run / "export")
