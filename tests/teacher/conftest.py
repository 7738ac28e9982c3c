"""A disk that runs full where a test wants it to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lamini.teacher.log import RequestLog


@pytest.fixture
def full() -> Callable[[RequestLog], None]:
    """full(log): its file may not grow any more; SQLite then says what it says on a full disk.

    As on a real one, giving up the reserve makes room.
    """

    def fill(log: RequestLog) -> None:
        pages = log._writer.execute("PRAGMA page_count").fetchone()[0]
        log._writer.execute(f"PRAGMA max_page_count={pages}")
        close = log._reserve.close

        def give_up() -> None:
            if not log._reserve.closed:
                log._writer.execute("PRAGMA max_page_count=1000000")
            close()

        log._reserve.close = give_up  # type: ignore[method-assign]

    return fill
