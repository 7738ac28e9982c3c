"""Workers' logs go into the request log, as they grow: each row once, whoever is killed in between.

How far a file was read stands in the log itself and changes in the transaction that puts its rows in. Names
of files are never used twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from lamini.teacher.log import RequestLog, Row
from lamini.teacher.worker_log import rows_from

ROWS = 500  # that go into the log in one transaction


class Merger:
    """Puts files of workers into one log."""

    def __init__(self, log: RequestLog) -> None:
        self.log = log
        self._offsets: dict[str, int] = {}
        self._sizes: dict[str, int] = {}

    def take(self, files: Iterable[Path]) -> Iterator[Row]:
        """The rows that have come since the last time; each is in the log when it is given out.

        Raises:
            UserError: the log cannot be written.
        """
        for file in files:
            name = f"{file.parents[1].name}/{file.name}"
            size = file.stat().st_size
            if self._sizes.get(name) == size:
                continue
            if name not in self._offsets:
                self._offsets[name] = self.log.offset(name)
            found = rows_from(file, self._offsets[name])
            while part := list(islice(found, ROWS)):
                rows = [row for row, _ in part]
                self.log.put_part(rows, name, part[-1][1])
                self._offsets[name] = part[-1][1]
                yield from rows
            self._sizes[name] = size
