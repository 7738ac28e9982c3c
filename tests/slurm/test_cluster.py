"""The cluster that other tests use does what they rely on: two nodes, arrays, jobs that are queued again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster

pytestmark = pytest.mark.slurm


def test_an_array_runs_on_both_nodes_and_a_requeued_task_runs_again(slurm: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text(
        f"#!/bin/bash\nsrun bash -c 'echo $SLURMD_NODENAME >> {tmp_path}/$SLURM_ARRAY_TASK_ID'\n"
        f"[ -e {tmp_path}/go ] || srun sleep 60\n"
    )
    begun = [tmp_path / "0", tmp_path / "1"]
    words = ("--parsable", "--array=0-1", "--cpus-per-task=2", "--requeue", "--output=/dev/null")
    array = slurm.ask("sbatch", *words, str(script)).strip()
    slurm.until(lambda: all(file.exists() for file in begun))
    assert {file.read_text() for file in begun} == {"n1\n", "n2\n"}
    (tmp_path / "go").touch()
    slurm.ask("scontrol", "requeue", f"{array}_1")
    slurm.ask("scancel", f"{array}_0")
    slurm.until(lambda: not slurm.ask("squeue", "-h"))
    assert [len(file.read_text().split()) for file in begun] == [1, 2]
