"""Whole lines that search: wrong ones told early, trials in folders of their own, the same line again."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.utils import get_args_parser

from lamini.checks import check_values
from lamini.compose import register
from lamini.entry import enumerate_jobs
from lamini.runs import RunFolder
from tests.launching.watching import saved, until

Ask = Callable[..., tuple[int, str, str]]
Train = Callable[..., tuple[int, str, str]]
Words = tuple[str, ...]
SEARCH = (
    "-m", "model=t5-nano", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "name=search",
    "hydra.sweeper.pruner.startup_trials=1", "hydra.sweeper.pruner.warmup=1",
    "optimizer.lr=tag(log,interval(1e-5,1e-1))", "trainer.max_steps=10", "validation.every=1",
)  # fmt: skip


def statuses(out: str) -> dict[str, str]:
    """run -> status, from the lines under the table, which have whole names."""
    rows = re.findall(r"^ *(\w+)  (/\S+)", out.partition("Herd")[2], re.MULTILINE)
    return {Path(folder).name: status for status, folder in rows}


def told(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "search.json").read_text())["trials"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("optimizer.lr=1e-3",), "has nothing to choose from"),
        (("optimizer.lr=interval(2,1)",), "optimizer.lr=interval(2,1) is empty"),
        (("optimizer.lrr=interval(1,2)",), "optimizer.lrr: Key 'lrr' not in 'AdamW'"),
        (("trainer.max_stps=1,2",), "there is no key trainer.max_stps; did you mean trainer.max_steps?"),
        (("optimizer.lr=interval(-1,2)",), "optimizer.lr=-1.0 must be greater than 0"),
        (("size=nano,giant",), "size=giant"),
        (("model=t5-nano,t5-nan",), "did you mean t5-nano"),
        (("batch_size=2,4", "hydra.sweeper.n_trials=0"), "hydra.sweeper.n_trials=0 must be at least 1"),
        (("batch_size=2,4", "hydra.sweeper.n_trials=many"), "hydra.sweeper.n_trials: Value 'many'"),
        (("batch_size=2,4", "hydra.sweeper.sampler.name=grid"), "expected one of [tpe, random, gp]"),
        (("batch_size=2,4", "hydra.sweeper.metric=held_out.x.student"), "pruner.name=none"),
        (("batch_size=2,4", "hydra.sweeper.direction=maximize"), "is better where it is lower"),
        (("batch_size=2,4", "validation.share=0"), "needs pairs to validate on, and validation.share=0"),
    ],
)
def test_a_wrong_search_is_one_sentence_before_anything_runs(
    ask: Ask, tmp_path: Path, words: Words, sentence: str
) -> None:
    common = () if any(word.startswith("model=") for word in words) else ("model=t5-nano",)
    given = ("-m", *common, "hydra/sweeper=optuna", *words, "logger=none", f"paths.output_dir={tmp_path}")
    status, out, err = ask(*given)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert sentence in err
    assert not list(tmp_path.iterdir())


def test_a_search_needs_a_sweep(ask: Ask) -> None:
    status, _, err = ask("model=t5-nano", "hydra/sweeper=optuna", "batch_size=2,4")
    assert status == 2 and "add -m" in err


def test_the_study_searches_among_students_that_can_be_trained() -> None:
    words = get_args_parser().parse_args(("-m", "experiment=tuning", "logger=none"))
    jobs = enumerate_jobs(words, "train", register())
    assert len(jobs) == 2 * 3 * 2 and {job.folder for job in jobs} == {Path("outputs/tuning")}
    for job in jobs:
        check_values(job.config)
    assert {job.config.optimizer.lr for job in jobs} == {2e-4, 2e-2}
    assert {job.config.family.name + job.config.size.name for job in jobs} == {"t5nano"}
    assert "hydra.sweeper.metric=validation_loss" in words.overrides


@pytest.fixture(scope="module")
def search(train: Train, tiny: Words, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One search of four trials."""
    folder = tmp_path_factory.mktemp("search")
    words = (*SEARCH, *tiny, f"paths.output_dir={folder}")
    return {"first": train(*words), "words": words, "folder": folder / "search"}


def test_the_table_has_the_best_trial_first(search: dict[str, Any]) -> None:
    status, out, err = search["first"]
    assert status == 0, out + err
    table = statuses(out)
    assert list(table.values()) == sorted(table.values()), table  # done before pruned
    assert set(table.values()) == {"done", "pruned"}
    records = [RunFolder(search["folder"] / run).record() for run in table]
    losses = [record["validation_loss"] for record in records if record["status"] == "done"]
    assert losses == sorted(losses)
    assert "4 trials over optimizer.lr by validation_loss" in out
    assert f"best: trial {told(search['folder'])[0]['trial']}, validation_loss" in out


def test_a_pruned_trial_is_no_full_run(search: dict[str, Any]) -> None:
    for run, status in statuses(search["first"][1]).items():
        record = RunFolder(search["folder"] / run).record()
        assert record["pruned"] == (status == "pruned")
        assert record["status"] == ("interrupted" if status == "pruned" else "done")
        assert (search["folder"] / run / "export").exists() == (status == "done")
        if status == "pruned":
            assert record["steps"] < 10 and record["validation_loss"] is not None
            assert record["error"] == f"pruned after step {record['steps']} of 10"


def test_another_search_in_its_folder_is_told(search: dict[str, Any], train: Train) -> None:
    words = [word.replace("1e-1", "1e-2") for word in search["words"]]
    status, _, err = train(*words)
    assert status == 2
    assert "values of optimizer.lr: 1e-05 to 0.1 (log) -> 1e-05 to 0.01 (log)" in err


@pytest.mark.slow
def test_the_same_line_with_more_trials_repeats_none(search: dict[str, Any], train: Train) -> None:
    before = {path: path.read_bytes() for path in search["folder"].rglob("run.json")}
    status, out, err = train(*search["words"], "hydra.sweeper.n_trials=6")
    assert status == 0, out + err
    assert len(statuses(out)) == 6 and {row["trial"] for row in told(search["folder"])} == set(range(6))
    assert "[5/6]" in out and "[4/6]" not in out
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_a_killed_search_goes_on_as_if_nothing_had_been(
    search: dict[str, Any], start: Callable[..., Any], train: Train, tmp_path: Path
) -> None:
    """The driver dies with kill -9 in the middle of trial 0; its student saves and stops."""
    words = (*search["words"], f"paths.output_dir={tmp_path}", "hydra.sweeper.n_trials=6")
    train(*search["words"], "hydra.sweeper.n_trials=6")
    process = start(*words)
    folder = tmp_path / "search"
    until(lambda: any(saved(run) for run in folder.glob("*trial=000*")), process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (first,) = folder.glob("*trial=000*")
    until(lambda: not RunFolder(first).running(), start("--help"))
    status, out, err = train(*words)
    assert status == 0, out + err
    assert told(folder) == told(search["folder"])


@pytest.mark.slow
def test_a_lost_study_is_found_again_in_its_folders(search: dict[str, Any], train: Train) -> None:
    """Without the study's file the same trials are asked for, and their runs are there already."""
    before = told(search["folder"])
    (search["folder"] / "search.journal").unlink()
    status, out, err = train(*search["words"], "hydra.sweeper.n_trials=6")
    assert status == 0, out + err
    assert out.count("done already, skipped") == 6
    assert [row["trial"] for row in told(search["folder"])] == [row["trial"] for row in before]


@pytest.mark.slow
def test_a_failed_trial_is_told_and_the_rest_go_on(train: Train, tiny: Words, tmp_path: Path) -> None:
    """Two at a time, of two tokenizers, so bits per byte count; an endless learning rate diverges."""
    words = [word for word in SEARCH if not word.startswith(("optimizer", "model"))]
    status, out, err = train(
        *words, *tiny, "model=t5-nano,gpt2-nano", "optimizer.lr=choice(1e-3,1e+37)",
        "hydra.sweeper.sampler.name=random", "hydra.sweeper.pruner.name=none", "hydra.sweeper.n_trials=5",
        "hydra.sweeper.n_jobs=2", "hydra.launcher.jobs=2",
        f"paths.output_dir={tmp_path}",
    )  # fmt: skip
    assert status == 1, out + err
    rows = told(tmp_path / "search")
    assert {row["state"] for row in rows} >= {"complete", "fail"}
    assert all((row["state"] == "fail") == (row["values"]["optimizer.lr"] == "1e+37") for row in rows)
    assert "validation_bits_per_byte" in rows[0] and rows[0]["state"] == "complete"
    assert list(statuses(out).values())[-1] == "failed"
