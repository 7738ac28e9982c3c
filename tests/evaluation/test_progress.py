"""The line that says how far a student is."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from lamini.evaluation.progress import Progress, place


@pytest.fixture
def second() -> Iterator[None]:
    token = place.set("[2/3] ")
    yield
    place.reset(token)


@pytest.mark.usefixtures("second")
def test_plain_lines_come_every_ten_seconds() -> None:
    now = [0.0]
    out = io.StringIO()
    console = Console(file=out, width=200)
    with Progress("t5, 2 task(s)", 1_000, cached=200, console=console, clock=lambda: now[0]) as progress:
        for _ in range(8):
            now[0] += 4.0
            progress.add(100)
    assert out.getvalue().splitlines() == [
        "[2/3] t5, 2 task(s): 500/1,000 requests, 200 from the cache, 25/s, 20 s left",
        "[2/3] t5, 2 task(s): 800/1,000 requests, 200 from the cache, 25/s, 8 s left",
        "[2/3] t5, 2 task(s): 1,000/1,000 requests, 200 from the cache, 25/s, in 32 s",
    ]


def test_a_terminal_has_one_live_line() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with Progress("t5", 10, console=console) as progress:
        progress.add(10)
    assert "t5: 10/10 requests" in out.getvalue()
