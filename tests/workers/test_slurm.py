"""Workers as jobs of a real SLURM: one is cancelled, the line is killed, and what comes out is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.evaluation.benchmarks import toys
from tests.generation import small
from tests.generation.test_workers import CONCURRENCY, MANY, generate, openai
from tests.slurm.cluster import Cluster
from tests.teacher.counting import counting

pytestmark = pytest.mark.slurm
ROOT = Path(__file__).resolve().parents[2]
SLURM = ("hydra/launcher=slurm", "hydra.launcher.timeout_min=5", "workers=2")


@contextmanager
def line(script: str, words: list[str], slurm: Cluster) -> Iterator[subprocess.Popen[str]]:
    """A line that reaches the cluster."""
    process = subprocess.Popen(
        [sys.executable, script, *words, *SLURM], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1", **slurm.environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_data_set_comes_out_whoever_is_killed(slurm: Cluster, tmp_path: Path) -> None:
    with counting() as endpoint:
        alone = generate(tmp_path / "alone", 1, *openai(endpoint))
        asked = set(endpoint.calls)
        endpoint.calls.clear()
        endpoint.delay = 0.02
        words = ["instructions=embedded", f"paths.output_dir={tmp_path}", *MANY, *openai(endpoint)]
        with line("generate.py", words, slurm) as first:

            def kill(calls: int) -> None:
                if calls == 200:
                    slurm.ask("scancel", slurm.ask("squeue", "-h", "-r", "-o", "%i").split()[0])
                if calls == 400:
                    first.kill()

            endpoint.heard = kill
            said, _ = first.communicate(timeout=100)
        assert first.returncode == -signal.SIGKILL and "worker 0 (SLURM job" in said
        with line("generate.py", words, slurm) as second:
            said, _ = second.communicate(timeout=100)
    assert second.returncode == 0, said
    assert small.shards(tmp_path / "instructions" / "pairs") == small.shards(alone)
    twice = [text for text, calls in endpoint.calls.items() if calls > 1]
    assert set(endpoint.calls) == asked and len(twice) <= CONCURRENCY
    assert not slurm.ask("squeue", "-h")


def test_students_are_scored_as_by_one_process(slurm: Cluster, tmp_path: Path) -> None:
    toys.tasks(tmp_path)
    toys.run_folder(tmp_path / "herd", "a", "gpt2")
    toys.run_folder(tmp_path / "herd", "b", "t5")
    with line("evaluate.py", toys.line(tmp_path / "herd", tmp_path), slurm) as process:
        said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "4 units for 2 worker(s) on SLURM" in said and "requests," not in said
    results = [tmp_path / "herd" / name / "evaluation" / "custom.json" for name in "ab"]
    spread = [result.read_bytes() for result in results]
    for file in [*results, *(tmp_path / "cache" / "evaluation").iterdir()]:
        file.unlink()
    toys.run(tmp_path / "herd", tmp_path)
    assert [result.read_bytes() for result in results] == spread


def test_a_partition_that_is_not_there_is_told(slurm: Cluster, tmp_path: Path) -> None:
    words = ["teacher=oracle", "instructions=embedded", f"paths.output_dir={tmp_path}", *MANY]
    with line("generate.py", [*words, "hydra.launcher.partition=nowhere"], slurm) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and "Traceback" not in said
    assert "nowhere" in said or "partition" in said
