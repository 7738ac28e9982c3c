"""Tasks for the tests of workers: they run in the workers' processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from lamini.errors import UserError
from lamini.workers.board import Here


def double(here: Here, number: int) -> tuple[int, int]:
    """Twice the number, and who worked it out."""
    return 2 * number, here.member


def slow(here: Here, number: int) -> int:
    """Says that it began, and takes longer than any test."""
    here.file(".begun").touch()
    time.sleep(60)
    return number


def wrong(here: Here) -> None:
    """A mistake of the user's."""
    raise UserError("that=3 must be 4")


def broken(here: Here) -> None:
    """A mistake of ours."""
    raise ValueError("no\nsuch thing")


def die(here: Here, times: int) -> int:
    """Is killed so many times, and then says at which attempt it was through."""
    if here.posted.attempt <= times:
        print("about to die", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return here.posted.attempt


def keep(here: Here, place: Path) -> list[str]:
    """Dies the first time, and finds what it had written the next time."""
    here.file(".txt").write_text(f"attempt {here.posted.attempt}")
    if here.posted.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return [file.read_text() for file in here.files(".txt")]


def group(here: Here, name: int) -> tuple[int, int]:
    """Which worker did a task of which group."""
    time.sleep(0.02)
    return name, here.member
