"""Keys of tasks: the same in every process, and others where rows, settings or limit differ."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.toys import shared_data
from tests.evaluation.benchmarks import toys

KEYS = """
import sys
from lamini.compose import compose
from lamini.evaluation.benchmarks.prepared import prepare
config = compose("evaluate", sys.argv[1:])
for name, task in prepare(config.suite, config).tasks.items():
    print(name, task.key)
"""


def keys(*words: str) -> dict[str, str]:
    """Task -> key, found by a process of its own."""
    line = ["suite=custom", "limit=5", *words]
    done = subprocess.run(
        [sys.executable, "-c", KEYS, *line], cwd=Path(__file__).parents[3], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return dict(line.split() for line in done.stdout.splitlines())


def test_keys_of_lm_evals_tasks_are_the_same_in_every_process() -> None:
    rows = f"data_dir={shared_data() / 'eval'}"
    tasks = "suite.tasks=[mnli,wsc273,winogrande,hellaswag,rte]"  # functions of their own in odd places
    first = keys(tasks, rows)
    assert len(first) == 5 and keys(tasks, rows) == first


@pytest.mark.parametrize("change", ["rows", "settings", "limit", "place"])
def test_a_key_follows_content(tmp_path: Path, change: str) -> None:
    folder = toys.tasks(tmp_path / "one")

    def key(*more: str) -> str:
        toys.anew()
        from lamini.evaluation.benchmarks.prepared import prepare

        told = toys.config("any/one", folder, *more)
        return prepare(told.suite, told).tasks["quiz"].key

    before = key()
    if change == "rows":
        toys.write_rows(folder, "quiz", [{"question": "What?", "choices": ["a", "b"], "gold": 1}])
        assert key() != before
    elif change == "settings":
        toys.write_task(folder, "quiz", _rows(), more=f"{toys.CHOICES}\ntarget_delimiter: '|'")
        assert key() != before
    elif change == "limit":
        assert key("limit=2") != before
    else:
        folder = folder.rename(tmp_path / "two")
        assert key() == before


def _rows() -> list[dict[str, object]]:
    return [{"question": text, "choices": choices, "gold": gold} for text, choices, gold in toys.QUIZ]
