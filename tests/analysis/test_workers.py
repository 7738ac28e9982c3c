"""Work side by side: results in order, errors as they are, a killed process told."""

from __future__ import annotations

import os

import pytest

from lamini.analysis import items, workers
from lamini.analysis.workers import Progress, each
from lamini.errors import UserError


@pytest.mark.parametrize("processes", [1, 2])
def test_results_stand_in_the_order_of_the_jobs(processes: int) -> None:
    assert each(len, [("ab",), ("c",), ("",)], [1, 3, 2], processes, "words") == [2, 1, 0]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_mistake_comes_through(processes: int) -> None:
    with pytest.raises(UserError, match="/nowhere is no folder"):
        each(items.files, [("/nowhere",), ("/nowhere",)], [1, 1], processes, "files")


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(UserError, match="words: a process was killed.*processes=1"):
        each(os._exit, [(9,), (9,)], [1, 1], 2, "words")


def test_progress_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(workers.time, "perf_counter", lambda: now[0])
    progress = Progress("lengths", 4000, "rows")
    for seconds, done in ((10, 500), (20, 1000), (22, 1500), (60, 4000)):
        now[0] = 100.0 + seconds
        progress.at(done)
    assert capsys.readouterr().out == "lengths: 1,000 of 4,000 rows, about 1.0 min left\n"
