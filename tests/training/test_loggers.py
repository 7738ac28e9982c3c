"""W&B really written without a connection, one run per student; CSV; and metrics.jsonl whatever happens."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import Any

import pytest
import wandb

from lamini.errors import UserError
from lamini.training.loggers import Metrics, Wandb, WandbMode, records, rewind
from tests.training import small


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What every `wandb.init` was told, and how its run ended."""
    original, seen = wandb.init, []

    def init(**told: Any) -> Any:
        run = original(**told)
        finish, facts = run.finish, {**told, "run": run, "rows": []}
        log = run.log
        run.finish = lambda exit_code: (facts.update(exit_code=exit_code), finish(exit_code=exit_code))
        run.log = lambda row, *rest, **more: (facts["rows"].append(dict(row)), log(row, *rest, **more))
        seen.append(facts)
        return run

    monkeypatch.setattr(wandb, "init", init)
    return seen


def test_two_offline_runs_of_a_process_stay_apart_and_end_as_they_went(
    tmp_path: Path,
    starts: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ("logger=wandb", "logger.tags=[mine]", "name=zoo")
    first = small.train(tmp_path / "a", "t5", *line, "data.held_out=2")
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        second = small.train(tmp_path / "b", "gpt2", *line)
    assert [start["exit_code"] for start in starts] == [0, 1]
    told = starts[0]
    assert told["mode"] == "offline" and told["group"] == "zoo" and told["name"] == "run (scratch)"
    assert told["tags"] == ["t5", "nano", "scratch", "mine"] and told["project"] == "lamini"
    assert told["job_type"] == "train" and told["config"]["batch_size"] == 6
    assert told["config"]["parameters"] == small.record(first)["parameters"]
    assert told["id"] == small.record(first)["wandb_id"] != starts[1]["id"]
    named = {name for row in told["rows"] for name in row}
    assert {name for row in small.metrics(first) for name in row} - {"step"} <= named
    assert {"validation/answers", "trainer/global_step", "train/response_tokens_per_second"} <= named
    epochs = [row["epoch"] for row in told["rows"] if "train/loss" in row]
    assert epochs == pytest.approx(
        [row["epoch"] for row in small.metrics(first) if "train/loss" in row], abs=1e-6
    )
    folders = [Path(start["run"].dir).parent for start in starts]
    for run, folder in zip((first, second), folders, strict=True):
        assert folder.parent == run / "wandb" and list(folder.glob("*.wandb"))
    out = capsys.readouterr().out
    assert [f"run: WANDB_RESUME=allow wandb sync {folder}" in out.splitlines() for folder in folders] == [
        True
    ] * 2
    assert "WANDB_MODE" not in os.environ and wandb.run is None


def test_an_interrupted_run_goes_on_under_its_id_and_both_folders_are_named(
    tmp_path: Path,
    starts: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        small.stop_after(4, patch)
        small.train(tmp_path, "gpt2", "logger=offline")
    capsys.readouterr()
    small.train(tmp_path, "gpt2", "logger=offline")
    assert starts[0]["id"] == starts[1]["id"]
    (line,) = re.findall(r"wandb sync (.+)\n", capsys.readouterr().out)
    attempts = [str(path) for path in (tmp_path / "run" / "wandb").glob("offline-run-*")]
    assert len(attempts) == 2 and sorted(line.split()) == sorted(attempts)


def test_a_server_that_refuses_fails_the_run_with_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**told: Any) -> None:
        assert told["mode"] == "online" and told["resume"] == "allow"
        raise wandb.errors.CommError("no route")

    monkeypatch.setattr(wandb, "init", init)
    run = small.train(tmp_path, "gpt2", "logger=wandb", "logger.mode=online")
    assert small.record(run)["status"] == "failed"
    assert small.record(run)["error"].startswith("logger=wandb: no route; logger=offline, csv or none")


@pytest.mark.parametrize(
    ("mode", "key", "told", "offline"),
    [
        ("auto", None, None, True),
        ("auto", "k" * 40, None, False),
        ("auto", "k" * 40, "offline", True),
        ("online", None, None, False),
        ("offline", "k" * 40, None, True),
    ],
)
def test_auto_is_online_only_with_a_key(
    monkeypatch: pytest.MonkeyPatch, mode: str, key: str | None, told: str | None, offline: bool
) -> None:
    for name, value in (("WANDB_API_KEY", key), ("WANDB_MODE", told)):
        if value:
            monkeypatch.setenv(name, value)
    assert Wandb("p", None, WandbMode(mode), []).offline() is offline


@pytest.mark.parametrize("named", [True, False])
def test_a_key_in_netrc_counts_for_its_own_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: bool
) -> None:
    file = tmp_path / ("elsewhere" if named else ".netrc")
    file.write_text("machine api.wandb.ai login user password secret\n")
    file.chmod(0o600)
    if named:
        monkeypatch.setenv("NETRC", str(file))
    else:
        monkeypatch.delenv("NETRC")
    assert not Wandb("p", None, WandbMode.auto, []).offline()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert Wandb("p", None, WandbMode.auto, []).offline()


def test_an_unknown_mode_is_refused_with_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="logger.mode"):
        small.config(tmp_path, "t5", "logger=wandb", "logger.mode=of")


def test_csv_has_the_numbers_of_metrics_jsonl(tmp_path: Path) -> None:
    run = small.train(tmp_path, "gpt2", "logger=csv")
    with (run / "csv" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["train/loss"]) for row in rows if row["train/loss"]]
    assert losses == [row["train/loss"] for row in small.metrics(run) if "train/loss" in row]
    assert any(row["validation/loss"] for row in rows)


def test_rewinding_drops_later_steps_and_a_torn_line(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.rewind(0)
    assert not metrics.path.exists()
    for step in (1, 2, 3):
        metrics.write(step, step / 7, {"train/loss": 1.0})
    with metrics.path.open("a") as file:
        file.write('{"step": 4, "tr')
    assert [row["step"] for row in records(metrics.path)] == [1, 2, 3]
    rewind(metrics.path, 2)
    metrics.write(3, 0.5, {})
    assert [row["step"] for row in small.lines(metrics.path)] == [1, 2, 3]
    assert small.lines(metrics.path)[0]["epoch"] == 0.142857
