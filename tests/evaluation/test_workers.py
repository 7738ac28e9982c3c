"""evaluate.py workers=N: the same results as one process writes, whatever N was and whoever died."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamini.children import here
from lamini.evaluation.command import PRELOAD
from lamini.evaluation.running import evaluate
from lamini.workers.local import LocalCrew
from tests.evaluation.benchmarks import toys
from tests.training.small import wait_for

ROOT = Path(__file__).resolve().parents[2]
THREE = ("suite.tasks=[quiz,second,texts]", "wrapper=both")


Herd = Callable[[Path], Path]


@pytest.fixture(scope="module")
def herd(tmp_path_factory: pytest.TempPathFactory) -> Herd:
    """herd(place): the same tasks and students there, not scored."""
    made = tmp_path_factory.mktemp("made")
    toys.tasks(made)
    toys.run_folder(made / "herd", "a", "gpt2")
    toys.run_folder(made / "herd", "b", "t5")
    return lambda place: shutil.copytree(made, place, dirs_exist_ok=True)


def score(place: Path, workers: int, *overrides: str, crew: LocalCrew | None = None) -> int:
    toys.anew()
    told = toys.config(place / "herd", place, *overrides, f"workers={workers}")
    crew = crew or (LocalCrew(workers, PRELOAD, []) if workers > 1 else None)
    return evaluate(told, here, crew)


def files(place: Path) -> dict[str, bytes]:
    """What stands in the run folders."""
    found = sorted((place / "herd").glob("*/evaluation/custom*"))
    return {str(file.relative_to(place)): _told(file, place) for file in found}


def _told(file: Path, place: Path) -> bytes:
    return file.read_bytes().replace(str(place).encode(), b"<place>")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, herd: Herd) -> Path:
    """Scored by one process."""
    place = herd(tmp_path_factory.mktemp("alone"))
    assert score(place, 1, *THREE, "samples=true") == 0
    return place


def requests(place: Path) -> int:
    """Answers in all stores."""
    stores = (place / "cache" / "evaluation").glob("*.jsonl")
    return sum(len(file.read_text().splitlines()) - 1 for file in stores)


@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_any_number_of_workers_gives_the_same_files(
    workers: int, alone: Path, herd: Herd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = herd(tmp_path)
    assert score(place, workers, *THREE, "samples=true") == 0
    assert files(place) == files(alone)
    assert requests(place) == requests(alone)
    out = capsys.readouterr().out
    assert f"6 units for {workers} worker(s) in processes of this machine" in out
    assert out.count(": asked\n") == 6 and "[6/6]" in out
    assert "requests," not in out  # nothing was left to ask
    assert not list((place / "cache" / "evaluation.workers").iterdir())


def test_a_worker_that_is_killed_costs_nothing(alone: Path, herd: Herd, tmp_path: Path) -> None:
    place = herd(tmp_path)
    crew = Killed(2, PRELOAD, [])
    assert score(place, 2, *THREE, "samples=true", crew=crew) == 0
    assert crew.killed and files(place) == files(alone)


class Killed(LocalCrew):
    """A crew whose first worker is killed as soon as it has asked something."""

    killed = False

    def ended(self) -> dict[int, str]:
        if not self.killed and self.folder is not None and list((self.folder / "files").iterdir()):
            self.killed = True
            process = self.processes[0]
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
        return super().ended()

    folder: Path | None = None

    def start(self, folder: Path, members: Any, badge: str) -> None:
        self.folder = folder
        super().start(folder, members, badge)


@pytest.mark.slow
def test_what_fails_fails_as_without_workers(
    herd: Herd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = herd(tmp_path)
    toys.write_task(place, "odd", [{"question": "Why?", "choices": ["", "b"], "gold": 1}])
    (place / "herd" / "b" / "export" / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    assert score(place, 2, "suite.tasks=[quiz,odd,nothere]") == 1
    with_workers = files(place), capsys.readouterr().out
    for file in (place / "herd").glob("*/evaluation/*"):
        file.unlink()
    for file in (place / "cache" / "evaluation").iterdir():
        file.unlink()
    assert score(place, 1, "suite.tasks=[quiz,odd,nothere]") == 1
    assert files(place) == with_workers[0]
    table = capsys.readouterr().out
    assert table[table.index("custom, in percent") :] in with_workers[1]


@pytest.mark.slow
def test_force_asks_again_and_keeps_what_workers_asked(alone: Path, herd: Herd, tmp_path: Path) -> None:
    place = herd(tmp_path)
    assert score(place, 1, *THREE, "samples=true") == 0
    stores = list((place / "cache" / "evaluation").glob("*.jsonl"))
    for store in stores:
        text = store.read_text()
        store.write_text(re.sub(r"\[-?\d+\.\d+, (true|false)\]", r"[-1.0, false]", text))
    assert score(place, 2, *THREE, "samples=true", "force=true") == 0
    assert files(place) == files(alone)
    assert not any("[-1.0, false]" in store.read_text() for store in stores)


@pytest.mark.slow
def test_ctrl_c_and_the_same_line_again(place_of_two: Path, environment: dict[str, str]) -> None:
    place = place_of_two
    words = toys.line(place / "herd", place, "suite.tasks=[long,quiz]")
    line = [sys.executable, "evaluate.py", *words, "workers=2"]
    process = subprocess.Popen(
        line, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    boards = place / "cache" / "evaluation.workers"
    wait_for(lambda: any(file.stat().st_size > 3000 for file in boards.glob("*/files/*.jsonl")), 100)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped. Continue with:" in out and "Traceback" not in err
    again = subprocess.run(line, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=200)
    assert again.returncode == 0, again.stderr
    (kept,) = re.findall(
        r"([\d,]+) answers that workers of an earlier line had asked for are kept", again.stdout
    )
    assert 10 < int(kept.replace(",", "")) < requests(place)
    assert not list(boards.iterdir())


@pytest.fixture
def place_of_two(herd: Herd, tmp_path: Path) -> Path:
    place = herd(tmp_path)
    rows = [
        {"question": f"Question {n}: which is larger?\nAnswer:", "choices": [str(n), str(n + 1)], "gold": 1}
        for n in range(2_000)
    ]
    toys.write_task(place, "long", rows)
    return place


def test_answers_to_instructions_are_given_by_workers(herd: Herd, tmp_path: Path) -> None:
    place = herd(tmp_path)
    asked = place / "asked.jsonl"
    asked.write_text("".join(f'{{"instruction": "Say {n}."}}\n' for n in range(12)))
    words = ("suite=answers", f"suite.instructions={asked}", "suite.selection=null", "suite.max_new_tokens=6")
    answers = {}
    for workers in (1, 2):
        toys.anew()
        told = _answers(place, workers, *words)
        assert evaluate(told, here, LocalCrew(2, PRELOAD, []) if workers > 1 else None) == 0
        answers[workers] = (place / str(workers) / "bases/answers/answers.parquet").read_bytes()
    assert answers[1] == answers[2]
    record = toys.results(place / "herd" / "a", "answers")
    assert record["speed"]["generated"] == 12 and record["speed"]["tokens_per_second"] > 0


def _answers(place: Path, workers: int, *words: str) -> Any:
    from lamini.compose import compose

    output = place / str(workers)
    return compose("evaluate", [
        f"students={place / 'herd'}", *words, f"paths.output_dir={output}", f"paths.cache_dir={output}/cache",
        "device=cpu", "threads=1", f"workers={workers}",
    ])  # fmt: skip
