"""Signals while a server of child processes starts: it does not hear them, its parent does, afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lamini.children import DEAF, deaf, hear

HEARING = """
import os, signal, sys
from lamini.children import hear
if sys.argv[1] == "hear":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hear()
try:
    os.kill(os.getpid(), signal.SIGINT)
    print("deaf")
except KeyboardInterrupt:
    print("heard")
"""

FRESH = """
import os, signal, sys
from lamini.children import deaf
number = int(sys.argv[1])
signal.signal(number, lambda number, frame: print("heard", flush=True))
with deaf():
    os.kill(os.getpid(), number)
    print("deaf", flush=True)
"""


@pytest.fixture
def heard() -> Iterator[list[int]]:
    numbers: list[int] = []
    old = {number: signal.signal(number, lambda number, frame: numbers.append(number)) for number in DEAF}
    yield numbers
    for number, handler in old.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", DEAF)
def test_a_signal_while_a_server_starts_is_heard(number: int, heard: list[int]) -> None:
    """Once, whichever of the threads that a process of tests has is given it."""
    with deaf():
        os.kill(os.getpid(), number)
    assert heard == [number]
    os.kill(os.getpid(), number)  # and as before from then on
    assert heard == [number, number]


@pytest.mark.parametrize("number", DEAF)
def test_a_process_without_other_threads_hears_it_afterwards(number: int) -> None:
    """Although the resource tracker, which is started here, unblocks SIGINT."""
    done = subprocess.run([sys.executable, "-c", FRESH, str(int(number))], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["deaf", "heard"], "")


@pytest.mark.parametrize(("way", "said"), [("stay", "deaf"), ("hear", "heard")])
def test_what_starts_meanwhile_is_deaf_until_it_hears(way: str, said: str, heard: list[int]) -> None:
    with deaf():
        done = subprocess.run([sys.executable, "-c", HEARING, way], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (said, "")


def test_hearing_without_having_been_deaf_changes_nothing(heard: list[int]) -> None:
    hear()
    os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGINT]
