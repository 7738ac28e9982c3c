"""Workers as tasks of a real Ray cluster on this machine, one of them killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lamini.children import here
from lamini.evaluation.running import evaluate
from lamini.workers.board import Task
from lamini.workers.on_ray import RayCrew
from lamini.workers.pool import Pool
from tests.evaluation.benchmarks import toys
from tests.generation import small
from tests.generation.test_workers import CONCURRENCY, generate, openai
from tests.teacher.counting import counting

pytestmark = pytest.mark.ray
ray = pytest.importorskip("ray", reason="ray is not installed")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One node with two CPUs; lines connect to it as to any that exists."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    before = signal.getsignal(signal.SIGTERM)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 2**20)
    yield
    ray.shutdown()
    signal.signal(signal.SIGTERM, before)  # Ray's own would end this process when a test stops a student


def crew() -> RayCrew:
    return RayCrew({}, {})


def killed(place: Path) -> bool:
    """Kill the worker that has begun the first task; whether there is one."""
    for claim in place.glob("*/claims/*"):
        log = claim.parents[1] / "members" / f"{claim.read_text()}.log"
        for process in Path("/proc").glob("[0-9]*"):
            if _holds(process, log):
                os.kill(int(process.name), signal.SIGKILL)
                return True
    return False


def _holds(process: Path, file: Path) -> bool:
    """Whether the process has the file as its standard output."""
    try:
        return (process / "fd" / "1").readlink() == file
    except OSError:
        return False


def test_tasks_are_done_and_a_dead_workers_by_another(tmp_path: Path) -> None:
    tasks = [Task("tests.workers.jobs", "die", (1,)), Task("tests.workers.jobs", "double", (4,))]
    with Pool(crew(), tmp_path, 2) as pool:
        found = dict(pool.run(tasks))
    assert found[0].value == 2 and found[1].value[0] == 8


def test_a_data_set_comes_out_when_a_worker_is_killed(tmp_path: Path) -> None:
    with counting() as endpoint:
        alone = generate(tmp_path / "alone", 1, *openai(endpoint))
        asked = set(endpoint.calls)
        endpoint.calls.clear()
        endpoint.delay = 0.01
        done: list[bool] = []
        boards = tmp_path / "requests.sqlite.workers"
        endpoint.heard = lambda calls: done.append(killed(boards)) if calls == 200 else None
        folder = generate(tmp_path, 2, *openai(endpoint), crew=crew())
    assert done == [True]
    assert small.shards(folder) == small.shards(alone)
    twice = [text for text, calls in endpoint.calls.items() if calls > 1]
    assert set(endpoint.calls) == asked and len(twice) <= CONCURRENCY


def test_students_are_scored_as_by_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys.tasks(tmp_path)
    toys.run_folder(tmp_path / "herd", "a", "gpt2")
    toys.run_folder(tmp_path / "herd", "b", "t5")
    toys.anew()
    assert evaluate(toys.config(tmp_path / "herd", tmp_path, "workers=2"), here, crew()) == 0
    assert "4 units for 2 worker(s) on Ray" in capsys.readouterr().out
    results = [tmp_path / "herd" / name / "evaluation" / "custom.json" for name in "ab"]
    spread = [result.read_bytes() for result in results]
    for file in [*results, *(tmp_path / "cache" / "evaluation").iterdir()]:
        file.unlink()
    toys.run(tmp_path / "herd", tmp_path)
    assert [result.read_bytes() for result in results] == spread
