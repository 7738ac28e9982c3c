"""evaluate.py as a person starts it: plan, table, statuses, Ctrl-C, a child that is killed, wrong lines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.evaluation.command import check
from tests.evaluation.benchmarks import toys
from tests.training.small import wait_for

ROOT = Path(__file__).resolve().parents[2]
MANY = 4_000  # rows of a task that takes some seconds


@pytest.fixture
def place(tmp_path: Path) -> Path:
    toys.tasks(tmp_path)
    toys.run_folder(tmp_path / "herd", "a", "gpt2")
    toys.run_folder(tmp_path / "herd", "b", "t5")
    return tmp_path


def started(place: Path, environment: dict[str, str], *more: str) -> subprocess.Popen[str]:
    words = toys.line(place / "herd", place, *more)
    return subprocess.Popen(
        [sys.executable, "evaluate.py", *words], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def long_task(place: Path) -> None:
    rows = [
        {
            "question": f"Question {n}: which is larger, {n} or {n + 1}?\nAnswer:",
            "choices": [str(n), str(n + 1)],
            "gold": 1,
        }
        for n in range(MANY)
    ]  # fmt: skip
    toys.write_task(place, "long", rows)


def test_a_line_says_its_plan_and_its_table(place: Path, environment: dict[str, str]) -> None:
    out, err = started(place, environment, "samples=true").communicate(timeout=120)
    assert out.index("Plan") < out.index("2: quiz, second") < out.index("custom, in percent"), err
    assert "student" in out and "weighted mean" in out and "McNemar" in out
    assert (place / "herd" / "a" / "evaluation" / "custom.samples.parquet").is_file()
    again = started(place, environment)
    out, _ = again.communicate(timeout=120)
    assert again.returncode == 0 and out.count("nothing") == 2 and "requests," not in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_the_same_line_continues(
    place: Path, environment: dict[str, str], number: int
) -> None:
    long_task(place)
    process = started(place, environment, "suite.tasks=[long]")
    wait_for(lambda: _stored(place) > 200)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert "Stopped" in out and "Continue with: python evaluate.py" in out and "Traceback" not in err
    stored = _stored(place)
    process = started(place, environment, "suite.tasks=[long]")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    cached = re.search(r"([\d,]+) from the cache", out)
    assert cached is not None and int(cached[1].replace(",", "")) == stored > 200


def test_a_child_that_is_killed_takes_one_student(place: Path, environment: dict[str, str]) -> None:
    long_task(place)
    process = started(place, environment, "suite.tasks=[long]")
    wait_for(lambda: _stored(place) > 200)
    (child,) = {pid for pid in _descendants(process.pid) if _holds_store(pid)}
    os.kill(child, signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "failed  a: its process was killed (out of memory?)" in out, err
    assert not (place / "herd" / "a" / "evaluation" / "custom.json").exists()
    assert json.loads((place / "herd" / "b" / "evaluation" / "custom.json").read_text())["tasks"]


def _stored(place: Path) -> int:
    files = (place / "cache" / "evaluation").glob("*.jsonl")
    return sum(max(len(file.read_bytes().splitlines()) - 1, 0) for file in files)


def _descendants(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *_descendants(child)}
    return found


def _holds_store(pid: int) -> bool:
    try:
        return any("cache/evaluation" in os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("wrapper=alpacca", "wrapper=alpacca is unknown; it can be auto both bare alpaca"),
        ("device=tpu", "device=tpu is unknown"),
        ("precision=fp8", "precision=fp8 is unknown"),
        ("limit=0", "limit=0 must be at least 1"),
        ("batch_tokens=0", "batch_tokens=0 must be at least 1"),
        ("seed=-1", "seed=-1 must be at least 0"),
        ("suite.limit=0", "suite.limit=0 must be at least 1"),
        ("suite.tasks=[]", "has no task; name some"),
        ("suite.tasks=[1]", "neither a mapping nor a list of names"),
        ("suite.tasks=[quizz]", "did you mean quiz"),
        (
            "suite.tasks={quiz:{metrik:acc}}",
            "suite.tasks.quiz has no metrik; a task has: metric, paper, rows",
        ),
        ("suite.tasks={quiz:acc}", "suite.tasks.quiz is 'acc'"),
        ("suite.include_path=/nowhere", "suite.include_path=/nowhere"),
        ("data_dir=/nowhere", "data_dir=/nowhere is no folder"),
        ("name=a/b", "name=a/b must be the name of a folder"),
        ("students=/nowhere/run", "students=/nowhere/run is no folder"),
    ],
)
def test_a_wrong_line_is_one_sentence(place: Path, override: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        check(toys.config(place / "herd", place, override))


def test_rows_that_do_not_suit_a_task_stop_before_any_student(
    place: Path, environment: dict[str, str]
) -> None:
    toys.write_rows(place, "quiz", [{"question": "What?"}])
    process = started(place, environment, "suite.tasks=[quiz]")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2 and "not one task can be loaded; quiz: " in err and "Traceback" not in err
