"""How a job of days ends before its time: Ctrl-C, SIGTERM, a spent budget, a teacher that fell silent.

All leave a state from which the same line continues. A first signal lets what is in flight finish, since it
is paid for; a second one drops it; a third one finds the handlers that were there before.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
Job = Callable[[bool], None]  # called with: at once?


class Stopped(Exception):
    """The job ended early and can be continued; its text says why and how. Exit status 1."""


class Interruption:
    """Carries signals to whatever asks a teacher. Where nothing does, a signal stops at once."""

    def __init__(self) -> None:
        self.signals = 0
        self.number: int | None = None  # of the last one
        self._jobs: dict[Job, asyncio.AbstractEventLoop] = {}
        self._old: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[Interruption]:
        """Take the signals over and give them back; only the main thread of a process can."""
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._heard) for number in SIGNALS}
        try:
            yield self
        finally:
            self._restore()

    @contextmanager
    def telling(self, job: Job) -> Iterator[None]:
        """Call `job` in the running loop at each signal, with False at the first and True at the second."""
        self._jobs[job] = asyncio.get_running_loop()
        if self.signals:
            job(self.signals > 1)
        try:
            yield
        finally:
            del self._jobs[job]

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        self.number = number
        if self.signals > 1 or not self._jobs:
            self._restore()
        if not self._jobs:
            raise KeyboardInterrupt
        for job, loop in self._jobs.items():
            loop.call_soon_threadsafe(job, self.signals > 1)

    def _restore(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old = {}
