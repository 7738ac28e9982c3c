"""A whole run: what it leaves behind when all goes well, and when it does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from lamini.errors import UserError
from lamini.runs import config_hash
from lamini.students import protocol
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.head import summed_loss
from lamini.training import fit
from lamini.training.checkpointing.checkpoints import Checkpoints
from lamini.training.module import StudentModule
from lamini.training.prepare import prepare
from tests.training import small

KEYS = {
    "format", "status", "student", "family", "size", "architecture", "init", "parameters", "data",
    "steps", "epochs", "response_tokens", "response_tokens_per_second", "train_loss",
    "validation_loss", "validation_bits_per_byte", "seconds", "error", "provenance",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fit")


@pytest.fixture(scope="module", params=["t5", "gpt2", "llama"])
def done(request: pytest.FixtureRequest, folder: Path) -> tuple[str, Path]:
    return request.param, small.train(folder / request.param, request.param, "data.held_out=2")


def test_run_json_has_every_key_of_the_contract(done: tuple[str, Path]) -> None:
    shape, run = done
    record = small.record(run)
    config = small.config(run.parent, shape, "data.held_out=2")
    assert record.keys() >= KEYS
    assert record["status"] == "done" and record["error"] is None
    assert record["student"] == f"{shape}-nano" and record["init"] == "scratch"
    assert record["architecture"] == ("encoder-decoder" if shape == "t5" else "decoder-only")
    assert record["steps"] == 6
    assert record["epochs"] == pytest.approx(36 / record["data"]["pairs"], abs=1e-6)
    assert record["provenance"]["config_hash"] == config_hash(config)
    assert record["provenance"]["threads"] == 1 and record["provenance"]["seed"] == 42
    assert record["response_tokens_per_second"] > 0 and 0 <= record["padding_share"] < 0.2
    model = auto(shape).from_pretrained(run / "export")
    assert set(record["held_out"]) == {"new_instances", "new_phrasings", "unseen_kinds"}
    for scores in record["held_out"].values():
        assert scores.keys() == {"n", "majority", "nearest_neighbour", "untrained", "student"}
    assert record["parameters"] == sum(p.numel() for p in model.parameters())


def test_the_last_validation_is_the_result_and_checkpoints_and_records_agree(done: tuple[str, Path]) -> None:
    _, run = done
    rows, record = small.metrics(run), small.record(run)
    validated = {row["step"]: row["validation/loss"] for row in rows if "validation/loss" in row}
    assert list(validated) == [3, 6]
    assert record["validation_loss"] == validated[6]
    assert [row["step"] for row in rows if "train/loss" in row] == [2, 4, 6]
    assert {row["step"] for row in small.lines(run / "answers.jsonl")} == {3, 6}
    assert not list(run.rglob(".*.ckpt"))


def test_plain_transformers_answers_as_the_student_did(done: tuple[str, Path]) -> None:
    shape, run = done
    model = auto(shape).from_pretrained(run / "export")
    tokenizer = AutoTokenizer.from_pretrained(run / "export")
    (row,) = [row for row in small.lines(run / "answers.jsonl") if row["step"] == 6]
    if shape == "t5":
        inputs = tokenizer(row["instruction"], return_tensors="pt")
        given = 1
    else:
        messages = [{"role": "user", "content": row["instruction"]}]
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        given = inputs["input_ids"].shape[1]
    longest = longest_response(run.parent, shape)
    out = model.generate(**inputs, max_new_tokens=longest)[0, given:]
    assert tokenizer.decode(out, skip_special_tokens=True).strip() == row["answer"]
    assert "trained-from-scratch" in (run / "export" / "README.md").read_text()


def auto(shape: str) -> type:
    return AutoModelForSeq2SeqLM if shape == "t5" else AutoModelForCausalLM


def longest_response(folder: Path, shape: str) -> int:
    return min(128, int(prepare(small.config(folder, shape)).train.response_lengths_N.max()))


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_nan_fails_the_run_and_keeps_the_last_good_checkpoint(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    original = EncoderDecoder.loss
    calls = 0

    def loss(self: EncoderDecoder, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal calls
        total, count = original(self, batch)
        if torch.is_grad_enabled() and (calls := calls + 1) == 5:
            total = total * float("nan") if broken == "loss" else total + 0 * (total - total.detach()).sqrt()
        return total, count

    line = ("size.micro_tokens=4000", "trainer.checkpoint_every=2", "validation.every=4")
    with monkeypatch.context() as patch:
        patch.setattr(EncoderDecoder, "loss", loss)
        run = small.train(folder / f"nan-{broken}", "t5", *line)
    record = small.record(run)
    assert record["status"] == "failed" and record["steps"] == 4
    assert f"the {broken} became nan at step 5" in record["error"]
    assert f"run: failed: the {broken} became nan at step 5" in capsys.readouterr().err
    assert all(torch.isfinite(tensor).all() for tensor in small.weights(run).values())
    assert not (run / "error.txt").exists()
    small.train(folder / f"nan-{broken}", "t5", *line)  # continued once the cause is gone
    assert small.record(run)["status"] == "done"
    small.assert_equal(
        small.weights(run), small.weights(small.train(folder / f"sound-{broken}", "t5", *line))
    )


def test_an_unexpected_error_leaves_its_traceback_until_the_run_is_continued(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fit, "export", lambda *args: 1 / 0)
        run = small.train(folder / "bug", "gpt2")
    record = small.record(run)
    assert record["status"] == "failed" and record["steps"] == 6
    assert record["error"].startswith("ZeroDivisionError: division by zero (traceback in ")
    assert "1 / 0" in (run / "error.txt").read_text()
    small.train(folder / "bug", "gpt2")
    assert small.record(run)["status"] == "done" and small.record(run)["error"] is None
    assert not (run / "error.txt").exists()


def test_memory_that_is_full_names_the_key_to_lower(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(StudentModule, "training_step", full)
    run = small.train(folder / "memory", "gpt2")
    assert small.record(run)["error"].endswith("lower size.micro_tokens=160")


def test_the_head_of_the_configuration_is_the_students(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[str] = []

    def spied(head: Any, hidden_RD: Any, labels_R: Any, way: str) -> Any:
        ways.append(way)
        return summed_loss(head, hidden_RD, labels_R, way)

    monkeypatch.setattr(protocol, "summed_loss", spied)
    losses = [
        small.record(small.train(folder / way, "t5", f"trainer.head={way}"))["train_loss"]
        for way in ("plain", "chunked")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    middle = len(ways) // 2
    assert set(ways[:middle]) == {"plain"} and set(ways[middle:]) == {"chunked"}


def test_force_removes_what_is_ours_and_nothing_else(folder: Path) -> None:
    run = small.train(folder / "force", "gpt2")
    (run / "notes.txt").write_text("mine")
    (run / "evaluation").mkdir()
    before = small.record(run)
    small.train(folder / "force", "gpt2", "force=true", "seed=7")
    after = small.record(run)
    assert (run / "notes.txt").read_text() == "mine" and not (run / "evaluation").exists()
    assert after["seconds"] < before["seconds"] + 60 and after["wandb_id"] != before["wandb_id"]
    assert [row["step"] for row in small.metrics(run)] == [2, 3, 4, 6, 6]


def test_a_folder_without_run_json_starts_anew(folder: Path) -> None:
    run = small.train(folder / "anew", "gpt2")
    (run / "run.json").unlink()
    small.train(folder / "anew", "gpt2", "seed=3")
    assert small.record(run)["provenance"]["seed"] == 3
    assert [row["step"] for row in small.metrics(run)] == [2, 3, 4, 6, 6]


def test_another_configuration_is_refused(folder: Path) -> None:
    run = small.train(folder / "other", "gpt2")
    before = (run / "run.json").read_bytes()
    with pytest.raises(UserError, match="seed: 42 -> 3"):
        small.train(folder / "other", "gpt2", "seed=3")
    assert (run / "run.json").read_bytes() == before


def test_without_validation_pairs_the_end_is_saved_all_the_same(folder: Path) -> None:
    run = small.train(folder / "unvalidated", "gpt2", "validation.share=0", "trainer.checkpoint_every=100")
    record = small.record(run)
    assert record["status"] == "done" and record["validation_loss"] is None
    assert record["validation_bits_per_byte"] is None
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt", "index.json"}


def test_checkpoints_are_loaded_with_weights_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        small.train(folder / "weights", "gpt2")
    original, told = torch.load, []

    def load(*args: object, **kwargs: object) -> object:
        told.append(kwargs.get("weights_only"))
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "load", load)
    run = small.train(folder / "weights", "gpt2")
    assert small.record(run)["status"] == "done"
    assert told and all(told)


def test_a_full_disk_is_one_sentence_and_the_checkpoint_before_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, saves = Checkpoints.save, []

    def save(self: Checkpoints, trainer: object, loss: float | None = None) -> None:
        saves.append(1)
        if len(saves) == 2:
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", no_space)
                original(self, trainer, loss)  # type: ignore[arg-type]
        original(self, trainer, loss)  # type: ignore[arg-type]

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoints, "save", save)
    run = small.train(folder / "full", "gpt2")
    record = small.record(run)
    assert record["status"] == "failed"
    assert record["error"] == f"{run / 'checkpoints' / 'last.ckpt'} cannot be written: the disk is full"
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 3
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt", "index.json"}


@pytest.mark.slow
def test_two_ranks_train_as_one_process_does(folder: Path) -> None:
    plain = ("architecture.resid_pdrop=0.0", "architecture.attn_pdrop=0.0", "optimizer.eps=1e-3")
    one = small.train(folder / "one", "gpt2", *plain)
    two = small.train(folder / "two", "gpt2", *plain, "trainer.devices=2", "trainer.threads=2")
    assert small.record(two)["status"] == "done"
    left, right = small.weights(one), small.weights(two)
    for name, tensor in left.items():
        torch.testing.assert_close(right[name], tensor, rtol=1e-5, atol=1e-6, msg=name)
    for a, b in zip(small.metrics(one), small.metrics(two), strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - {"train/padding_share"}:
            assert b[name] == pytest.approx(a[name], rel=1e-5), name
    counts = ("steps", "epochs", "response_tokens", "parameters", "data")
    assert all(small.record(one)[name] == small.record(two)[name] for name in counts)


@pytest.mark.gpu
def test_two_steps_in_bf16_on_a_gpu(folder: Path) -> None:
    run = small.train(
        folder / "gpu", "t5", "trainer.accelerator=gpu", "trainer.precision=bf16-mixed", "trainer.max_steps=2"
    )
    record = small.record(run)
    assert record["status"] == "done", record["error"]
    assert record["steps"] == 2 and record["train_loss"] < 8
