"""Done, from the log, failed, tokens, dollars, rate, time left: a live line on a terminal, else plain lines.

A thread looks at the meter once a second, so that a teacher that says nothing for minutes is seen to do so.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lamini.report import duration
from lamini.teacher.meter import Meter

SECONDS = 10.0  # between plain lines
TICK = 1.0  # seconds between two looks at the meter
RECENT = 60  # looks over which the rate is taken


class Progress:
    """Shows a meter while the block runs, and the meter's summary after it. `total` items; None: not known.

    `console` replaces standard output; whether it is a terminal decides between the live line and plain ones.
    """

    def __init__(
        self,
        meter: Meter,
        title: str,
        total: int | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter, self.title, self.total, self.clock = meter, title, total, clock
        self.console = console or Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
        self.seen: deque[tuple[float, int, int]] = deque(maxlen=RECENT)  # time, items done, of these logged
        self.live: Live | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Progress:
        self.look()
        self.said = self.clock()
        if self.console.is_terminal:
            self.live = Live(get_renderable=lambda: Text(self.line()), console=self.console, transient=True)
            self.live.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        if self.live is not None:
            self.live.stop()
        self.console.print(f"{self.title}: {self.meter.summary()}")

    def _watch(self) -> None:
        while not self._end.wait(TICK):
            self.look()
            if self.live is None and self.clock() - self.said >= SECONDS:
                self.said = self.clock()
                self.console.print(self.line())

    def look(self) -> None:
        """Remember how far the meter is now; the rate follows from the last minute of looks."""
        self.seen.append((self.clock(), self.meter.done, self.meter.logged))

    def line(self) -> str:
        """One line: `responses: 120/500 done, 20 from the log, 1 failed (timeout 1), ...`."""
        meter = self.meter
        of = f"/{self.total:,}" if self.total is not None else ""
        facts = [f"{meter.done:,}{of} done"]
        if meter.logged:
            facts.append(f"{meter.logged:,} from the log")
        if meter.failed:
            kinds = ", ".join(f"{kind} {n:,}" for kind, n in meter.failed.most_common())
            facts.append(f"{meter.failed.total():,} failed ({kinds})")
        if meter.resting:
            facts.append(f"{meter.resting:,} to be tried again")
        facts += [meter.tokens(), meter.cost(), f"{self.rate():.1f}/s", self.left()]
        return f"{self.title}: {', '.join(fact for fact in facts if fact)}"

    def rate(self) -> float:
        """Items a second in the last minute, those from the log left out."""
        (began, done, logged), now = self.seen[0], self.clock()
        asked = (self.meter.done - self.meter.logged) - (done - logged)
        return asked / max(now - began, 1e-9)

    def left(self) -> str:
        """Time left if nothing more comes from the log, or "" where that is anybody's guess."""
        if self.total is None or not (rate := self.rate()):
            return ""
        return f"{duration((self.total - self.meter.done) / rate)} left"
