"""The real `wandb sync` of runs that train.py really wrote offline, and what arrives at a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lamini.comparison.tracking.pending import pending
from lamini.training.loggers import sync_line
from tests.comparison.tracking.conftest import Sync, copy_of, shell
from tests.comparison.tracking.graphql import Run
from tests.comparison.tracking.stub import Server, serving
from tests.training import small

pytestmark = pytest.mark.timeout(280)


@pytest.fixture(scope="module")
def herd(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(trained, tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def reached(herd: Path, clean: dict[str, str]) -> Iterator[Server]:
    """The server, after one line for the whole herd."""
    with serving() as server:
        line = sync_line((herd / name / "wandb" for name in _names(herd)), "lamini")
        said = shell(line, {**clean, **server.environment})
        assert said.returncode == 0 and not server.unknown, (said.stderr, server.unknown)
        yield server


@pytest.fixture(scope="module")
def arrived(reached: Server) -> dict[str, Run]:
    """Its runs by the names of their folders."""
    return {re.sub(r" \(scratch\)$", "", run.name): run for run in reached.runs.values()}


def _names(herd: Path) -> list[str]:
    return sorted(path.name for path in herd.iterdir() if (path / "run.json").exists())


def test_every_student_is_one_run_of_the_herd_under_its_own_name_and_end(
    herd: Path, arrived: dict[str, Run]
) -> None:
    assert set(arrived) == set(_names(herd)) == {"t5-nano", "gpt2-nano,seed=7", "llama-nano"}
    for name, run in arrived.items():
        record = small.record(herd / name)
        assert run.id == record["wandb_id"] and run.group == "zoo" and run.complete
        assert run.tags == [record["family"], "nano", "scratch", "mine"]
        assert run.told["jobType"] == "train" and run.told["project"] == "lamini"
        assert run.exit_code == (0 if record["status"] == "done" else 1)
    assert [run.exit_code for _, run in sorted(arrived.items())] == [0, 1, 0]


def test_the_default_columns_compare_the_herd(herd: Path, arrived: dict[str, Run]) -> None:
    for name, run in arrived.items():
        record, config, summary = small.record(herd / name), run.config, run.summary
        facts = ("student", "family", "size", "architecture", "init", "parameters")
        assert {fact: config[fact] for fact in facts} == {fact: record[fact] for fact in facts}
        assert config["batch_size"] == 6 and config["optimizer"]["lr"] == 0.002
        assert config["data_facts"]["fingerprint"] == record["data"]["fingerprint"]
        assert config["config_hash"] == record["provenance"]["config_hash"]
        assert not {"paths", "logger", "force", "mode"} & set(config)
        assert str(herd.parent) not in str(config) and "sizes" not in str(config)
        assert summary["status"] == record["status"] and summary["parameters"] == record["parameters"]
    done = arrived["t5-nano"].summary
    record = small.record(herd / "t5-nano")
    for name in ("validation_loss", "validation_bits_per_byte", "train_loss", "steps", "seconds"):
        assert done[name] == pytest.approx(record[name], abs=0.2 if name == "seconds" else 1e-9)
    for axis, scores in record["held_out"].items():
        assert done[f"exact_match/{axis}"] == scores["student"]
    assert arrived["llama-nano"].summary["error"] == record_error(herd)
    assert arrived["gpt2-nano,seed=7"].config["seed"] == 7


def record_error(herd: Path) -> str:
    return str(small.record(herd / "llama-nano")["error"])


def test_the_history_is_that_of_metrics_jsonl(herd: Path, arrived: dict[str, Run]) -> None:
    rows = [row for row in arrived["t5-nano"].history if "validation/answers" not in row]
    expected = small.lines(herd / "t5-nano" / "metrics.jsonl")
    assert [row["trainer/global_step"] for row in rows] == [row["step"] for row in expected]
    for row, told in zip(rows, expected, strict=True):
        for name in set(told) - {"step", "time", "epoch"}:
            assert row[name] == pytest.approx(told[name])
        assert row["epoch"] == pytest.approx(told["epoch"], abs=1e-6)


def test_the_answers_arrive_as_tables(herd: Path, arrived: dict[str, Run], reached: Server) -> None:
    run = arrived["t5-nano"]
    tables = [row["validation/answers"] for row in run.history if "validation/answers" in row]
    assert len(tables) == 2 and all(table["nrows"] == 1 for table in tables)
    last = reached.stored[f"{run.id}/{tables[-1]['path']}"].decode()
    assert small.lines(herd / "t5-nano" / "answers.jsonl")[-1]["instruction"].split("\n")[0][:20] in last


def test_attempts_of_one_run_become_one_history(arrived: dict[str, Run]) -> None:
    run = arrived["gpt2-nano,seed=7"]
    steps = [row["_step"] for row in run.history]
    assert steps == sorted(set(steps)), "a later attempt began its steps at 0 again"
    told = [row["trainer/global_step"] for row in run.history]
    assert told == sorted(told) and told[-1] == 6


def test_what_is_synced_is_not_sent_again(
    herd: Path, reached: Server, clean: dict[str, str], sync: Sync, server: Server
) -> None:
    assert not pending(herd / "t5-nano")
    assert "No runs to sync" in sync(sync_line([herd / "t5-nano" / "wandb"])).stderr
    assert not server.asked


def test_a_wrong_key_sends_nothing(trained: Path, tmp_path: Path, server: Server, sync: Sync) -> None:
    run = copy_of(trained, tmp_path) / "t5-nano"
    assert len(pending(run)) == 1
    sync(sync_line([run / "wandb"]), WANDB_API_KEY="b" * 40)
    assert not server.runs
