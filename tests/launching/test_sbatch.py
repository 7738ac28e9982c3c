"""experiments/large-student/job.sbatch on a real SLURM: saved at the limit, queued again, one voice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.launching.test_ranked import STEPS, words
from tests.launching.watching import saved
from tests.slurm.cluster import Cluster
from tests.training import small
from tests.training.test_sharding import CALM, assert_close

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]
LINE = (f"trainer.max_steps={STEPS}", "trainer.checkpoint_every=2", "validation.every=20")


def submit(slurm: Cluster, log: Path, *line: str) -> str:
    """The number of a job of one rank on each of both nodes, whose names no network knows."""
    flags = (
        "--parsable", "--nodes=2", "--ntasks-per-node=1", "--gpus-per-node=0", "--cpus-per-task=1",
        "--time=10", f"--output={log}",
        f"--export=ALL,MASTER_ADDR=127.0.0.1,PYTHON={sys.executable},OMP_NUM_THREADS=1",
        f"--chdir={ROOT}",
    )  # fmt: skip
    return slurm.ask("sbatch", *flags, "experiments/large-student/job.sbatch", *line).strip()


def test_a_job_at_its_limit_saves_and_continues(slurm: Cluster, tmp_path: Path) -> None:
    log, run = tmp_path / "job.log", tmp_path / "sbatch" / "herd" / "gpt2-nano"
    number = submit(slurm, log, *words(tmp_path / "sbatch", "gpt2", *LINE))
    slurm.until(lambda: saved(run), 200)
    slurm.ask("scancel", "--signal=USR1", number)  # what --signal=USR1@300 does
    slurm.until(lambda: not slurm.ask("squeue", "-h"), 300)
    said = log.read_text()
    assert small.record(run)["status"] == "done", said
    assert said.count("interrupted  /") == 1 and said.count("done  /") == 1, said
    assert "Continue with: the same srun line" in said
    one = small.train(tmp_path / "one", "gpt2", *CALM["gpt2"], "optimizer.eps=1e-3", *LINE)
    assert_close(run, one)


def test_a_mistake_is_told_once(slurm: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    number = submit(slurm, log, *words(tmp_path / "sbatch", "gpt2", "trainer.devices=3"))
    slurm.until(lambda: not slurm.ask("squeue", "-h"), 200)
    said = log.read_text()
    told = "trainer.devices=3 contradicts srun, which has started 2 ranks on 2 node(s)"
    assert said.count(told) == 1, said
    assert "JobState=FAILED" in slurm.ask("scontrol", "show", "job", number)
    assert not list(tmp_path.rglob("run.json"))
