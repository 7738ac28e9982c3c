"""Group commit: rows gather for a moment and go to disk in one transaction, in a thread of their own.

One flush to disk for many answers, so that its milliseconds are nobody's bottleneck; who waits for a row
waits `GATHER` longer. What has arrived and is not on disk would be lost with the process, so that it is
bounded by `BACKLOG`: who sends more waits for `room`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from lamini.errors import UserError
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.worker_log import WorkerLog

GATHER = 0.02  # seconds
BACKLOG = 64  # rows that may have arrived and not be on disk
AGAIN = 1.0  # seconds before a write that failed is tried again, while the job ends
Then = Callable[[Entry], None]


class Committer:
    """Writes the rows of one job; `failed` hears at once what went wrong, `committed` runs in the thread."""

    def __init__(
        self, log: RequestLog | WorkerLog, failed: Callable[[UserError], None], committed: Callable[[], None]
    ) -> None:
        self.log, self.failed, self.committed = log, failed, committed
        self._rows: list[tuple[Row, Then]] = []
        self._arrival, self._closing = asyncio.Event(), False
        self._backlog, self._full, self._room = 0, asyncio.Event(), asyncio.Event()
        self._room.set()
        self._thread = ThreadPoolExecutor(1, "request-log")

    def add(self, row: Row, then: Then) -> None:
        """Commit `row`, and call `then` in the event loop with what the log holds under its key."""
        self._rows.append((row, then))
        self._arrival.set()
        self._backlog += 1
        if self._backlog >= BACKLOG:
            self._full.set()
            self._room.clear()

    @property
    def has_room(self) -> bool:
        """Whether less than `BACKLOG` rows are on their way to the disk."""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._room.wait()

    def close(self) -> None:
        """No row comes any more."""
        self._closing = True
        self._arrival.set()
        self._full.set()

    async def run(self) -> None:
        """Commit until closed and empty.

        Raises:
            UserError: rows could not be written, and still could not when everything had arrived.
        """
        try:
            while True:
                await self._arrival.wait()
                self._arrival.clear()
                while self._rows:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._full.wait(), GATHER)
                    await self._commit()
                if self._closing:
                    return
        finally:
            self._thread.shutdown()
            if self._rows:  # cancelled: somebody else failed, and these are paid for
                self.log.put([row for row, _ in self._rows])

    async def _commit(self) -> None:
        batch, self._rows = self._rows, []
        last = self._closing
        writing = asyncio.get_running_loop().run_in_executor(
            self._thread, self._put, [row for row, _ in batch]
        )
        try:
            taken = await asyncio.shield(writing)  # who cancels us does not cancel the write
        except UserError as error:
            if last:
                raise UserError(f"{error}; {len(batch)} answers could not be kept") from error
            self._rows = batch + self._rows
            self.failed(error)
            await asyncio.sleep(AGAIN)
            return
        self._backlog -= len(batch)
        if self._backlog < BACKLOG:
            self._room.set()
            if not self._closing:
                self._full.clear()
        for row, then in batch:
            then(taken.get(row.key, row.entry))
        if self.log.trouble is not None:
            self.failed(self.log.trouble)

    def _put(self, rows: list[Row]) -> dict[str, Entry]:
        taken = self.log.put(rows)
        self.committed()
        return taken
