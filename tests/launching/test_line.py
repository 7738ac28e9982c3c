"""Real sweeps of two tiny students: run folders, skipping, a killed student, Ctrl-C, SIGTERM, ways out."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lamini.compose import compose
from lamini.runs import RunFolder
from tests.launching.watching import FOREVER, PATIENCE, children, record, saved, statuses, student_of, until

Words = tuple[str, ...]
Train = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def herd(train: Train, tiny: Words, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One sweep of two students, and the same line once more."""
    outputs = tmp_path_factory.mktemp("herd")
    words = ("-m", "model=t5-nano,gpt2-nano", "trainer.max_steps=3", *tiny, f"paths.output_dir={outputs}")
    first = train(*words)
    before = {path: path.read_bytes() for path in outputs.rglob("run.json")}
    return {
        "first": first,
        "again": train(*words),
        "words": words,
        "before": before,
        "folder": outputs / "herd",
    }


def test_a_sweep_trains_every_student(herd: dict[str, Any]) -> None:
    status, out, err = herd["first"]
    assert status == 0, out + err
    assert statuses(out) == {"t5-nano": "done", "gpt2-nano": "done"}
    assert "2 student(s)" in out
    assert out.index("Plan") < out.index("[1/2] t5-nano") < out.index("[2/2] gpt2-nano") < out.index("Herd")
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["t5-nano", "gpt2-nano"])
def test_a_run_folder_holds_what_the_contract_says(herd: dict[str, Any], name: str) -> None:
    folder = herd["folder"] / name
    present = {path.name for path in folder.iterdir()}
    assert present >= {"config.yaml", ".hydra", "run.json", "metrics.jsonl", "checkpoints", "export"}
    assert "lock" not in present
    facts = record(folder)
    assert facts.keys() >= {
        "format", "status", "student", "family", "size", "architecture", "init", "parameters", "data",
        "steps", "epochs", "response_tokens", "response_tokens_per_second", "train_loss", "validation_loss",
        "validation_bits_per_byte", "seconds", "error", "provenance",
    }  # fmt: skip
    assert (facts["status"], facts["student"], facts["steps"], facts["error"]) == ("done", name, 3, None)
    assert facts["data"].keys() >= {"fingerprint", "pairs", "tokens"}
    assert facts["provenance"].keys() >= {
        "git_commit", "git_dirty", "versions", "hardware", "seed", "threads", "config_hash",
    }  # fmt: skip
    shown = yaml.safe_load((folder / "config.yaml").read_text())
    assert (shown["family"]["name"], shown["trainer"]["max_steps"]) == (name.split("-")[0], 3)
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert all(row.keys() >= {"step", "epoch", "time"} for row in metrics)
    assert any("validation/loss" in row for row in metrics)


def test_hydras_own_record_names_the_students_folder(herd: dict[str, Any]) -> None:
    saved = yaml.safe_load((herd["folder"] / "gpt2-nano" / ".hydra" / "overrides.yaml").read_text())
    assert "model=gpt2-nano" in saved


def test_the_same_line_again_skips_what_is_done(herd: dict[str, Any]) -> None:
    status, out, err = herd["again"]
    assert status == 0, out + err
    assert "t5-nano: done already, skipped" in out
    assert "gpt2-nano: done already, skipped" in out
    assert statuses(out) == {"t5-nano": "done", "gpt2-nano": "done"}
    assert {path: path.read_bytes() for path in herd["before"]} == herd["before"]


def test_force_retrains_a_single_student(herd: dict[str, Any], train: Train) -> None:
    """Without -m in the same folder: one student is the same job in a sweep and alone."""
    words = [word.replace("t5-nano,gpt2-nano", "t5-nano") for word in herd["words"] if word != "-m"]
    before = record(herd["folder"] / "t5-nano")
    status, out, err = train(*words, "force=true")
    after = record(herd["folder"] / "t5-nano")
    assert status == 0, out + err
    assert "skipped" not in out
    assert after["status"] == "done"
    assert after["provenance"]["config_hash"] == before["provenance"]["config_hash"]
    assert (herd["folder"] / "t5-nano" / "run.json").read_bytes() != herd["before"][
        herd["folder"] / "t5-nano" / "run.json"
    ]


def test_a_killed_student_takes_nobody_along_and_is_continued(
    start: Callable[..., Any], train: Train, tiny: Words, tmp_path: Path
) -> None:
    words = ("-m", "model=t5-nano,gpt2-nano", *tiny, f"paths.output_dir={tmp_path}", "trainer.max_steps=150",
             "trainer.checkpoint_every=2", "validation.every=150")  # fmt: skip
    first = tmp_path / "herd" / "t5-nano"
    process = start(*words)
    until(lambda: saved(first), process)
    os.kill(student_of(process.pid), signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    assert statuses(out) == {"t5-nano": "killed", "gpt2-nano": "done"}
    assert "t5-nano: lamini.training.fit.run was killed by signal 9" in out
    assert record(first)["status"] == "running"
    assert not RunFolder(first).running()

    status, out, err = train(*words)
    assert status == 0, out + err
    assert statuses(out) == {"t5-nano": "done", "gpt2-nano": "done"}
    assert re.search(r"t5-nano: continues after step [1-9]\d* of 150", out)
    assert "gpt2-nano: done already, skipped" in out
    assert record(first)["steps"] == 150


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1], ids=lambda number: number.name
)
def test_a_signal_saves_the_student_and_stops_the_sweep(
    start: Callable[..., Any], train: Train, tiny: Words, tmp_path: Path, number: signal.Signals
) -> None:
    words = ("-m", "model=t5-nano,gpt2-nano", *tiny, f"paths.output_dir={tmp_path}", *FOREVER)
    first, second = tmp_path / "herd" / "t5-nano", tmp_path / "herd" / "gpt2-nano"
    process = start(*words)
    until(lambda: saved(first), process)
    config = compose("train", ["model=t5-nano", *words[2:]])
    assert RunFolder(first).running()
    if number == signal.SIGTERM:
        status, _, err = train(*(word.replace("t5-nano,gpt2-nano", "t5-nano") for word in words))
        assert status == 2  # a second process on the same folder is told
        assert f"{first} is being written by another process" in err
    os.killpg(process.pid, number)  # as a terminal or a scheduler does
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in err
    assert statuses(out) == {"t5-nano": "interrupted", "gpt2-nano": "not run"}
    assert f"Continue with: {shlex.join(['python', 'train.py', *words])}" in out
    assert record(first)["status"] == "interrupted"
    assert not record(second)
    assert RunFolder(first).state(config).name == "resume"
    assert not children(process.pid)
    if number == signal.SIGINT:
        _, out, _ = train(*words, "mode=plan")
        assert re.search(r"t5-nano .*continues after step [1-9]", out)


def test_a_signal_while_planning_stops_at_once(
    start: Callable[..., Any], tiny: Words, tmp_path: Path
) -> None:
    process = start(
        "-m", "model=t5-nano,gpt2-nano", *tiny, f"paths.output_dir={tmp_path}", "data.pairs=30000"
    )
    until(lambda: bool(children(process.pid)), process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("run.json"))


def pasted(message: str) -> list[str]:
    """The three lines of the message, without `python train.py`."""
    lines = [
        line.split("python train.py ", 1)[1] for line in message.splitlines() if "  python train.py " in line
    ]
    assert len(lines) == 3, message
    return lines


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user with downloaded weights has: a folder for each student, here tiny ones of the same type."""
    from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

    from lamini.students.tokenizers import train_tokenizer

    base = tmp_path_factory.mktemp("checkpoints")
    texts = [f"Sort the numbers {n} {n + 1}. What is the answer to {n}?" for n in range(300)]
    encoder_decoder = T5Config(
        vocab_size=600, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_decoder_layers=1, num_heads=2,
        decoder_start_token_id=0,
    )  # fmt: skip
    decoder_only = GPT2Config(vocab_size=600, n_positions=128, n_embd=16, n_layer=1, n_head=2)
    for name, model, algorithm in (
        ("flan-t5-small", T5ForConditionalGeneration(encoder_decoder), "unigram"),
        ("gpt2-medium", GPT2LMHeadModel(decoder_only), "byte-bpe"),
    ):
        model.save_pretrained(base / name)
        train_tokenizer(algorithm, texts, 600, base / name)
    return base


def without_weights(train: Train, words: Words) -> list[str]:
    """The lines that a start without weights offers; it fails with status 2."""
    status, _, err = train(*words)
    assert status == 2
    assert "Traceback" not in err
    return pasted(err)


@pytest.mark.slow
def test_without_weights_the_pasted_lines_work(
    train: Train, cache: Path, checkpoints: Path, tmp_path: Path
) -> None:
    """The first is run to its end on small weights; the others, at full shapes, are planned."""
    words = (
        "-m", "model=flan-t5-small,gpt2-medium", "data=oracle", "data.pairs=300", "data.held_out=2",
        "validation.held_out=2", "validation.limit=4", "validation.answers=0", "trainer.max_steps=1",
        "batch_size=2", "context=128", "limit=60", "vocabulary=600", "logger=none",
        f"paths.cache_dir={cache}", f"paths.output_dir={tmp_path}",
    )  # fmt: skip
    first, second, third = without_weights(train, words)
    assert "/path/to/checkpoints" in first
    status, out, err = train(*shlex.split(first.replace("/path/to/checkpoints", str(checkpoints))))
    assert status == 0, out + err
    assert statuses(out) == {"flan-t5-small": "done", "gpt2-medium": "done"}
    assert record(tmp_path / "herd" / "gpt2-medium")["init"] == "pretrained"
    for line, folder in ((second, "scratch"), (third, "rehearsal")):
        status, out, err = train(*shlex.split(line), "mode=plan", f"paths.output_dir={tmp_path / folder}")
        assert status == 0, out + err
        assert "flan-t5-small" in out
        assert "gpt2-medium" in out


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [1, 2])
def test_without_weights_the_offline_lines_train(
    train: Train, cache: Path, tmp_path: Path, number: int
) -> None:
    words = (
        "-m", "model=t5-small,pythia-70M", "trainer.max_steps=1", "batch_size=2", "limit=60",
        "vocabulary=2048", "validation.limit=2", "validation.held_out=1", "validation.answers=0",
        "logger=none", f"paths.cache_dir={cache}", f"paths.output_dir={tmp_path}",
    )  # fmt: skip
    status, out, err = train(*shlex.split(without_weights(train, words)[number]))
    assert status == 0, out + err
    assert statuses(out) == {"t5-small": "done", "pythia-70M": "done"}
