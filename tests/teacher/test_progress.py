"""What is shown while a job runs and said at its end."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from lamini.teacher import progress
from lamini.teacher.log import Entry
from lamini.teacher.progress import Progress
from lamini.teacher.protocol import Answer
from tests.teacher.scripted import meter


def console(terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, soft_wrap=True, width=200, highlight=False), text


def test_a_line_has_all_that_one_wants_to_know() -> None:
    now, counted = [0.0], meter(prompt=0.5, response=1.5)
    shown = Progress(counted, "responses", 500, console(False)[0], clock=lambda: now[0])
    counted.item(Entry(Answer("", "stop", 1, 1, "m")), logged=True)
    shown.look()
    assert shown.line() == (
        "responses: 1/500 done, 1 from the log, 0 prompt and 0 response tokens, $0.0000, 0.0/s"
    )
    now[0] = 10.0
    answer = Entry(Answer("", "length", 2000, 1000, "m"))
    for _ in range(40):
        counted.call(answer)
        counted.item(answer, logged=False)
    for failure in ("timeout: slow", "timeout: slow", "too_long: 9"):
        counted.item(Entry(None, failure), logged=False)
    counted.resting = 2
    assert shown.line() == (
        "responses: 44/500 done, 1 from the log, 3 failed (timeout 2, too_long 1), 2 to be tried again,"
        " 80,000 prompt and 40,000 response tokens, $0.1000, 4.3/s, 1.8 min left"
    )


def test_the_rate_is_that_of_the_last_minute() -> None:
    now, counted = [0.0], meter()
    shown = Progress(counted, "responses", None, console(False)[0], clock=lambda: now[0])
    for second in range(200):
        now[0] = float(second)
        counted.done += 10 if second < 100 else 2
        shown.look()
    assert shown.rate() == pytest.approx(2.0) and shown.left() == ""


def test_what_is_not_known_is_called_so() -> None:
    counted = meter(None, None)
    assert "cost not known (set teacher.prices)" in counted.summary()
    counted = meter(1.0, 1.0)
    counted.call(Entry(Answer("", "stop", 5, None, "m")))
    assert counted.summary().splitlines()[-1] == (
        "5 prompt and 0 response tokens (1 answers did not tell): at least $0.0000"
    )


def test_the_summary_counts_faults_and_cut_answers() -> None:
    counted = meter(1.0, 1.0)
    for finish in ("stop", "length", "length", "content_filter"):
        counted.item(Entry(Answer("", finish, 1, 1, "m")), logged=False)
    counted.faults.update(rate_limit=3, reset=1)
    assert counted.summary().splitlines() == [
        "4 done: 0 answers asked for, 0 from the log, 0 failed",
        "3 answers did not end by themselves (length 2, content_filter 1)",
        "4 calls failed and were tried again or given up (rate_limit 3, reset 1)",
        "0 prompt and 0 response tokens: $0.0000",
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_lines_while_it_runs_and_a_summary_after(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TICK", 0.02)
    monkeypatch.setattr(progress, "SECONDS", 0.05)
    out, text = console(terminal)
    counted = meter()
    with Progress(counted, "responses", 3, out):
        for _ in range(3):
            counted.item(Entry(Answer("", "stop", 1, 1, "m")), logged=False)
            time.sleep(0.2)
    assert re.search(r"responses: [123]/3 done", text.getvalue())
    assert "responses: 3 done: 0 answers asked for" in text.getvalue()
    if not terminal:
        assert 3 <= len(text.getvalue().splitlines()) <= 20 and "\x1b" not in text.getvalue()


def test_a_job_that_fails_still_says_what_it_cost() -> None:
    out, text = console(False)
    with pytest.raises(ZeroDivisionError), Progress(meter(), "responses", 3, out):
        raise ZeroDivisionError
    assert text.getvalue().splitlines()[-1].endswith("response tokens: $0.0000")
