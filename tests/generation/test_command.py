"""python generate.py as a user types it: exit statuses, and one sentence for every mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lamini import entry
from lamini.generation.command import starter
from tests.generation import small

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ("teacher=oracle", "instructions=embedded")
PRICES = "teacher.prices={prompt: 1.0, response: 1.0}"
SEEDS = "instructions.collections.seeds"


def said(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["generate.py", *words])
    with pytest.raises(SystemExit) as stop:
        entry.command(lambda: pytest.fail("Hydra was reached"), "generate", starter)
    return int(str(stop.value.code)), capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("instructions=embedded",), "the environment variable OPENAI_API_KEY is not set"),
        (("teacher=oracle",), "instructions.collections."),
        (("teacher=orcle", "instructions=embedded"), "teacher=orcle is unknown (did you mean oracle?)"),
        ((*EMBEDDED, "limits.tries=0"), "limits.tries=0 must be at least 1"),
        (
            (*EMBEDDED, "limits.requests_per_minute=-5"),
            "limits.requests_per_minute=-5 must be at least 1",
        ),
        ((*EMBEDDED, "limits.concurrency=1000000"), "limits.concurrency=1000000 is more than"),
        ((*EMBEDDED, "limits.timeout=0"), "limits.timeout=0 must be a number of seconds above 0"),
        ((*EMBEDDED, "shard_rows=0"), "shard_rows=0 must be at least 1"),
        ((*EMBEDDED, "budget.usd=-1"), "budget.usd=-1 must be a number of dollars above 0"),
        ((*EMBEDDED, "budget.usd=1", "teacher.prices.prompt=null"), "teacher.prices"),
        ((*EMBEDDED, "limits.trys=3"), "limits.trys"),
        ((*EMBEDDED, "+teacher.modle=x"), "teacher.modle"),
        ((*EMBEDDED, "responses.system=consise"), "responses.system=consise"),
        ((*EMBEDDED, "tokenizer=nowhere"), "tokenizer=nowhere is no folder"),
        ((*EMBEDDED, f"{SEEDS}.path=missing.jsonl"), f"{SEEDS}.path=missing.jsonl does not exist"),
        ((*EMBEDDED, "instructions.sources.seeds.collection=p4"), "collection=p4 is no collection"),
        ((*EMBEDDED, "curation.lossy=nowhere"), "curation.lossy=nowhere is no folder"),
        ((*EMBEDDED, "workers=0"), "workers=0 must be at least 1"),
        (("teacher=replay", "instructions=embedded", "workers=2"), "teacher=replay asks nobody; leave out"),
        (
            (*EMBEDDED, "workers=9", "limits.requests_per_minute=8"),
            "limits.requests_per_minute=8 is less than one for each of workers=9",
        ),
        (
            ("-m", *EMBEDDED, "workers=2", "hydra/launcher=slurm"),
            "-m with hydra/launcher=slurm: train.py alone sends the jobs of a sweep away",
        ),
    ],
)
def test_a_mistake_gets_its_sentence_before_anything_starts(
    words: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    status, error = said((*words, f"paths.output_dir={tmp_path}"), monkeypatch, capsys)
    assert status == 2
    assert error.startswith("generate.py: ") and sentence in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **more}
    return subprocess.run(
        [sys.executable, "generate.py", *words], cwd=ROOT, env=environment, text=True, capture_output=True,
        timeout=200, check=False,
    )  # fmt: skip


def test_a_line_from_end_to_end_and_its_folder(tmp_path: Path) -> None:
    done = run(*EMBEDDED, *small.LITTLE, f"paths.output_dir={tmp_path}", "name=mine")
    assert done.returncode == 0, done.stderr
    assert "145 pairs in" in done.stdout
    folder = tmp_path / "instructions" / "mine"
    assert {path.name for path in folder.iterdir()} == {
        ".hydra", "README.md", "dropped", "manifest.json", "train-00000.parquet", "unanswered",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("budget.usd=0.0000001", PRICES), 2, "below the price of one"),
        (("budget.usd=0.003", PRICES,
          "instructions.sampling.max_tokens=400", "responses.sampling.max_tokens=50"), 1, "budget.usd=0.003"),
    ],
)  # fmt: skip
def test_a_budget_ends_the_job_and_leaves_what_it_paid_for(
    words: tuple[str, ...], status: int, sentence: str, tmp_path: Path
) -> None:
    done = run(*EMBEDDED, *small.LITTLE, f"paths.output_dir={tmp_path}", *words)
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "instructions" / "pairs" / "manifest.json").exists()
    again = run(*EMBEDDED, *small.LITTLE, f"paths.output_dir={tmp_path}", *words, "budget.usd=null")
    assert again.returncode == 0, again.stderr


def test_a_log_that_is_none_is_refused_and_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "requests.sqlite"
    log.write_text("my own notes, not a log at all, but long enough to be a file\n" * 20)
    before = log.read_bytes()
    done = run(*EMBEDDED, *small.LITTLE, f"paths.output_dir={tmp_path}")
    assert done.returncode == 2 and f"{log}" in done.stderr and "Traceback" not in done.stderr
    assert log.read_bytes() == before


def test_an_endpoint_that_is_not_there(tmp_path: Path) -> None:
    done = run(
        "teacher=openai", "instructions=embedded", "teacher.base_url=http://127.0.0.1:9/v1", *small.LITTLE,
        f"paths.output_dir={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 2 and "127.0.0.1:9" in done.stderr and "Traceback" not in done.stderr


def test_help_lists_its_own_groups_only() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "teacher: openai, oracle, replay, transformers" in done.stdout
    assert "scheduler" not in done.stdout and "t5-nano" not in done.stdout
