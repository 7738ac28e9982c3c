"""How far a local classifier is: texts, rate, time left. Never a text."""

from __future__ import annotations

import time
from types import TracebackType

from lamini.report import duration

SECONDS = 10.0  # between lines


class Judging:
    """A line every ten seconds, and none where it took less."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0

    def __enter__(self) -> Judging:
        self.began = self.said = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def add(self, texts: int) -> None:
        """So many more are judged."""
        self.done += texts
        now = time.monotonic()
        if now - self.said >= SECONDS:
            self.said = now
            rate = self.done / (now - self.began)
            left = duration((self.total - self.done) / rate)
            print(
                f"{self.title}: {self.done:,}/{self.total:,} texts judged, {rate:,.1f}/s, {left} left",
                flush=True,
            )
