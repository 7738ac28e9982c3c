"""How far a student is: requests done, rate, time left. A live line on a terminal, else plain lines.

Whoever scores calls `add` after every batch; which student of how many it is stands in `place`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lamini.report import duration

SECONDS = 10.0  # between plain lines

place: ContextVar[str] = ContextVar("place", default="")
"""`[2/6] `: the student that is scored now, set by lamini/evaluation/running.py."""


class Progress:
    """Shows how many of `total` requests are done; `cached` of them were before it began.

    `console` replaces standard output; whether it is a terminal decides between the live line and plain ones.
    """

    def __init__(
        self,
        title: str,
        total: int,
        cached: int = 0,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title, self.total, self.cached, self.clock = f"{place.get()}{title}", total, cached, clock
        self.console = console or Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
        self.done = 0
        self.live: Live | None = None

    def __enter__(self) -> Progress:
        self.began = self.said = self.clock()
        if self.console.is_terminal:
            self.live = Live(get_renderable=lambda: Text(self.line()), console=self.console, transient=True)
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()
        self.console.print(self.line())

    def add(self, requests: int = 1) -> None:
        """So many more are done."""
        self.done += requests
        if self.live is None and self.clock() - self.said >= SECONDS:
            self.said = self.clock()
            self.console.print(self.line())

    def line(self) -> str:
        """One line: `[1/2] t5-small, 15 tasks: 120/500 requests, 20 from the cache, 40/s, 9 s left`."""
        seconds = max(self.clock() - self.began, 1e-9)
        facts = [f"{self.cached + self.done:,}/{self.total:,} requests"]
        if self.cached:
            facts.append(f"{self.cached:,} from the cache")
        if self.done:
            rate = self.done / seconds
            left = self.total - self.cached - self.done
            facts += [
                f"{rate:,.0f}/s",
                f"{duration(left / rate)} left" if left else f"in {duration(seconds)}",
            ]
        return f"{self.title}: {', '.join(facts)}"
