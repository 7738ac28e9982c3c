"""generate.py workers=N: the same data set whatever N was and whoever died, and no call twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamini.config import GenerateConfig
from lamini.data.manifest import read_manifest
from lamini.errors import UserError
from lamini.generation import stages
from lamini.generation.command import PRELOAD
from lamini.launching.options import HERE
from lamini.teacher.log import RequestLog
from lamini.teacher.money import spent
from lamini.teacher.stopping import Interruption, Stopped
from lamini.workers.crews import Crew, crew_of
from lamini.workers.local import LocalCrew
from tests.generation import small
from tests.teacher.counting import Counting, counting

ROOT = Path(__file__).resolve().parents[2]
MANY = (
    "instructions.sources.self_instruct_without_topic.generate=400",
    "instructions.sources.self_instruct_with_topic.generate=100",
)
CONCURRENCY = 12


def generate(place: Path, workers: int, *overrides: str, crew: Crew | None = None) -> Path:
    chosen = small.config(place, *MANY, f"workers={workers}", *overrides)
    folder = place / "instructions" / chosen.name
    if crew is None and workers > 1:
        crew = crew_of(HERE, workers, PRELOAD)
    stages.generate(chosen, folder, Interruption(), crew)
    return folder


def openai(endpoint: Counting, *more: str) -> tuple[str, ...]:
    prices = "teacher.prices={prompt: 100.0, response: 1000.0}"
    return ("teacher=openai", f"teacher.base_url={endpoint.url}", prices,
            f"limits.concurrency={CONCURRENCY}", *more)  # fmt: skip


def cost(place: Path) -> float:
    chosen = small.config(place, "teacher=openai", "teacher.base_url=http://x/v1")
    with RequestLog(place / "requests.sqlite") as log:
        found = spent(log, "openai", chosen.teacher.model, _prices(chosen))
    assert found is not None
    return found


def _prices(config: GenerateConfig) -> object:
    from lamini.teacher.prices import Prices

    return Prices(100.0, 1000.0)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set of the oracle, made by one process."""
    return generate(tmp_path_factory.mktemp("alone"), 1)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """The data set of an endpoint, made by one process, and what was asked."""
    with counting() as endpoint:
        folder = generate(tmp_path_factory.mktemp("asked"), 1, *openai(endpoint))
    assert set(endpoint.calls.values()) == {1}
    return folder, set(endpoint.calls)


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_makes_the_same_files(workers: int, alone: Path, tmp_path: Path) -> None:
    folder = generate(tmp_path, workers)
    assert small.shards(folder) == small.shards(alone)
    ours, theirs = read_manifest(folder), read_manifest(alone)
    assert ours is not None and theirs is not None
    assert ours["fingerprint"] == theirs["fingerprint"]
    assert ours["cost"] == theirs["cost"] and ours["stages"] == theirs["stages"]
    assert not list((tmp_path / "requests.sqlite.workers").iterdir())


def test_workers_ask_an_endpoint_everything_once_and_keep_to_the_limit_together(
    asked: tuple[Path, set[str]], tmp_path: Path
) -> None:
    with counting(delay=0.005) as endpoint:
        folder = generate(tmp_path, 3, *openai(endpoint))
    assert set(endpoint.calls) == asked[1] and set(endpoint.calls.values()) == {1}
    assert endpoint.most <= CONCURRENCY
    assert small.shards(folder) == small.shards(asked[0])


def test_a_killed_worker_costs_no_more_than_what_it_had_in_flight(
    asked: tuple[Path, set[str]], tmp_path: Path
) -> None:
    crew = LocalCrew(2, PRELOAD)
    with counting(delay=0.01) as endpoint:

        def kill(calls: int) -> None:
            if calls == 250:
                os.kill(crew.processes[1].pid or 0, signal.SIGKILL)

        endpoint.heard = kill
        folder = generate(tmp_path, 2, *openai(endpoint), crew=crew)
    twice = [text for text, calls in endpoint.calls.items() if calls > 1]
    assert set(endpoint.calls) == asked[1] and len(twice) <= CONCURRENCY
    assert small.shards(folder) == small.shards(asked[0])


def test_a_killed_line_continues_with_another_number_of_workers(
    asked: tuple[Path, set[str]], tmp_path: Path
) -> None:
    words = ["instructions=embedded", f"paths.output_dir={tmp_path}", *MANY]
    with counting(delay=0.01) as endpoint:
        line = subprocess.Popen(
            [sys.executable, "generate.py", *words, *openai(endpoint), "workers=3"], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        endpoint.heard = lambda calls: line.kill() if calls == 250 else None
        line.communicate(timeout=120)
        assert line.returncode == -signal.SIGKILL
        folder = generate(tmp_path, 2, *openai(endpoint))
    twice = [text for text, calls in endpoint.calls.items() if calls > 1]
    assert set(endpoint.calls) == asked[1] and len(twice) <= CONCURRENCY
    assert small.shards(folder) == small.shards(asked[0])
    assert not list((tmp_path / "requests.sqlite.workers").iterdir())


def test_ctrl_c_keeps_what_came_and_leaves_no_worker(asked: tuple[Path, set[str]], tmp_path: Path) -> None:
    words = ["instructions=embedded", f"paths.output_dir={tmp_path}", *MANY]
    with counting(delay=0.01) as endpoint:
        line = subprocess.Popen(
            [sys.executable, "generate.py", *words, *openai(endpoint), "workers=2"], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        endpoint.heard = lambda calls: line.send_signal(signal.SIGINT) if calls == 250 else None
        _, err = line.communicate(timeout=120)
        assert line.returncode == 130 and "interrupted; the same line continues" in err
        assert "Traceback" not in err
        before = endpoint.calls.total()
        time.sleep(0.3)
        assert endpoint.calls.total() == before
        endpoint.heard = lambda calls: None
        folder = generate(tmp_path, 1, *openai(endpoint))
    assert set(endpoint.calls.values()) == {1}  # what was in flight was waited for
    assert small.shards(folder) == small.shards(asked[0])


def test_one_budget_is_shared_and_never_passed(asked: tuple[Path, set[str]], tmp_path: Path) -> None:
    whole = cost(asked[0].parents[1])
    budget = 0.8 * whole
    bounds = ("instructions.sampling.max_tokens=600", "responses.sampling.max_tokens=30")
    with counting() as endpoint:
        line = (*openai(endpoint), *bounds)
        with pytest.raises(Stopped, match="does not bear another request"):
            generate(tmp_path, 3, *line, f"budget.usd={budget}")
        assert 0.95 * budget < cost(tmp_path) <= budget
        generate(tmp_path, 2, *line, f"budget.usd={10 * whole}")
    assert set(endpoint.calls.values()) == {1}


def test_a_mistake_of_the_line_ends_all_workers(tmp_path: Path) -> None:
    with counting() as endpoint:
        generate(tmp_path, 1, *openai(endpoint), "instructions.sources.seeds.limit=1")
    with pytest.raises(UserError, match="cannot be reached|no server|refused|127.0.0.1"):
        generate(tmp_path, 2, *openai(endpoint), "name=more", "seed=8")
