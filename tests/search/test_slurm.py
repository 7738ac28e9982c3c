"""A search whose trials are jobs of a real SLURM: the trials of this machine, two at a time, pruned there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.runs import RunFolder
from tests.search.test_lines import SEARCH
from tests.slurm.cluster import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(240)]


def test_trials_run_on_the_cluster_and_tell_the_study_themselves(
    train: Callable[..., tuple[int, str, str]], tiny: tuple[str, ...], slurm: Cluster, tmp_path: Path
) -> None:
    words = (*SEARCH, *tiny, f"paths.output_dir={tmp_path}", "hydra.sweeper.n_jobs=2")
    status, out, err = train(
        *words, "hydra/launcher=slurm", "hydra.launcher.timeout_min=30", **slurm.environment
    )
    assert status == 0, out + err
    folder = tmp_path / "search"
    trials = json.loads((folder / "search.json").read_text())["trials"]
    assert {row["trial"] for row in trials} == set(range(4))
    assert {row["state"] for row in trials} <= {"complete", "pruned"}
    for row in trials:
        record = RunFolder(folder / row["run"]).record()
        assert record["pruned"] == (row["state"] == "pruned")
        assert record["validation_loss"] == pytest.approx(row["validation_loss"])
    assert f"best: trial {trials[0]['trial']}" in out
    assert "hydra" not in out.split("alone it is")[1].splitlines()[1]  # a line that works without -m
