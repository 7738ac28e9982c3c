"""What a worker logs: lines of a file of its own, which its line reads as they come and puts into the log.

SQLite's WAL needs memory that all who use it share, which two machines do not. Lines that are appended need
nothing; each commit is flushed to disk, as in the log itself. A line that a kill has cut is no row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from lamini.errors import UserError
from lamini.runs import reason
from lamini.teacher.lines import row_in, row_line
from lamini.teacher.log import Entry, Row, Usage


class WorkerLog:
    """A log of one task, with the part of `RequestLog` that asking needs; it knows `earlier` ones."""

    trouble: UserError | None = None

    def __init__(self, path: Path, earlier: Sequence[Path] = ()) -> None:
        """Open it for writing.

        Raises:
            UserError: it cannot be written.
        """
        self.path = path
        self._entries: dict[str, Entry] = {}
        self._usage: dict[tuple[str, str, bool], Usage] = {}
        for file in earlier:
            for row, _ in rows_from(file, 0):
                self._remember(row)
        try:
            self._file = path.open("ab", buffering=0)
            self._cut = bool(path.stat().st_size)  # whether the last line may be half a line
        except OSError as error:
            raise self._trouble(error) from error

    def get(self, keys: Sequence[str]) -> dict[str, Entry]:
        """As `RequestLog.get`."""
        return {key: self._entries[key] for key in keys if key in self._entries}

    def put(self, rows: Iterable[Row]) -> dict[str, Entry]:
        """As `RequestLog.put`; nobody else writes here.

        Raises:
            UserError: the disk is full, or the file cannot be written.
        """
        rows = list(rows)
        lines = "".join(map(row_line, rows)).encode("ascii")
        try:
            left = memoryview(b"\n" + lines if self._cut else lines)
            self._cut = True
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._trouble(error) from error
        self._cut = False
        for row in rows:
            self._remember(row)
        return {}

    def usage(self, kind: str, model: str, batched: bool = False) -> Usage:
        """As `RequestLog.usage`, of this task's answers."""
        return self._usage.get((kind, model, batched), Usage())

    def close(self) -> None:
        """Nothing is lost without it."""
        self._file.close()

    def __enter__(self) -> WorkerLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _remember(self, row: Row) -> None:
        answer = row.entry.answer
        kept = row.entry if answer is None else replace(row.entry, answer=replace(answer, raw=""))
        self._entries[row.key] = kept
        if answer is None:
            return
        where = (row.kind, row.model, row.batched)
        before = self._usage.get(where, Usage())
        prompt, response = answer.prompt_tokens, answer.response_tokens
        self._usage[where] = Usage(
            before.answers + 1,
            before.unmetered + int(prompt is None or response is None),
            before.prompt_tokens + (prompt or 0),
            before.response_tokens + (response or 0),
        )

    def _trouble(self, error: OSError) -> UserError:
        return UserError(
            f"the log of a worker, {self.path}, cannot be written: {reason(error)}; set log=<file> to a disk"
            " that all workers share"
        )


def rows_from(file: Path, offset: int) -> Iterator[tuple[Row, int]]:
    """The rows of a worker's log from a byte on, each with the byte after it; half a line is none."""
    with file.open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                row = row_in(line.decode("ascii"))
            except (ValueError, TypeError):
                continue  # half a line: the disk was full
            yield row, offset
