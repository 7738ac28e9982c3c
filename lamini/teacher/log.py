"""The request log: every request and its raw answer, on disk before anybody parses it, paid for once.

One SQLite file for all jobs. A row is found by `Request.key`, so that a rerun, a crash, a changed parser or a
changed filter finds what was paid for and makes no call. Failures stand in it too: one that will never be
answered is not asked again, one that was set aside after its tries is. Tokens are recorded and dollars are
not: prices are the user's to correct later.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType

from lamini.errors import UserError
from lamini.sqlite import transaction
from lamini.teacher.log_file import connect, explained, reserve
from lamini.teacher.protocol import Answer, Message, Request, Sampling

FOUND = "text, finish, prompt_tokens, response_tokens, answered_by, raw, failure, final"
ASKED = "key, messages, sampling, sample, kind, model, tries, batched"
PAGE = 500  # rows of one read of `rows`

INSERT = """
INSERT INTO requests (key, kind, model, messages, sampling, sample, time, tries, batched,
                      text, finish, prompt_tokens, response_tokens, answered_by, raw, failure, final)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    time=excluded.time, tries=requests.tries + excluded.tries, batched=excluded.batched,
    text=excluded.text, finish=excluded.finish, prompt_tokens=excluded.prompt_tokens,
    response_tokens=excluded.response_tokens, answered_by=excluded.answered_by, raw=excluded.raw,
    failure=excluded.failure, final=excluded.final
WHERE requests.text IS NULL
"""  # an answer stays as it is: who used it would otherwise find another one the next time
COUNT = """
INSERT INTO usage VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT (kind, model, batched) DO UPDATE SET answers = answers + 1,
    unmetered = unmetered + excluded.unmetered,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    response_tokens = response_tokens + excluded.response_tokens
"""
PARTS = "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, offset INTEGER NOT NULL)"
"""How far the logs of workers have been put in (lamini/teacher/merging.py); older logs have no such table."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the log holds under a key: an answer, or why there is none.

    `final`: asking again is useless. `failure` is `kind: detail`.
    """

    answer: Answer | None
    failure: str | None = None
    final: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One request with what came of it; `tries` counts calls, `batched` means the provider's batch API."""

    key: str  # request.key(kind, model): the name under which the log finds it
    kind: str  # of the teacher
    model: str
    request: Request
    entry: Entry
    tries: int = 1
    batched: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What a teacher's answers took, repeats by several processes included. `unmetered`: tokens not told."""

    answers: int = 0
    unmetered: int = 0
    prompt_tokens: int = 0
    response_tokens: int = 0


class RequestLog:
    """An open log. Any thread may call it; each process opens its own.

    `trouble` is set when the disk ran full and `put` had to use the space that was set aside: what was put is
    safe, and the job should end with that sentence.
    """

    def __init__(self, path: Path) -> None:
        """Open the log at `path`, or make it.

        Raises:
            UserError: it is no log of this version, cannot be read or written, or the disk is full.
        """
        self.path = path
        self.trouble: UserError | None = None
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._writer = connect(path)
        self._reader = connect(path)
        self._reserve = reserve(path.parent)

    def get(self, keys: Sequence[str]) -> dict[str, Entry]:
        """What is there under these keys; one query, so ask for hundreds at once.

        Raises:
            UserError: the file cannot be read.
        """
        query = f"SELECT key, {FOUND} FROM requests WHERE key IN (SELECT value FROM json_each(?))"
        with self._reading, explained(self.path):
            rows = self._reader.execute(query, (json.dumps(list(keys)),)).fetchall()
        return {row[0]: _entry(row[1:]) for row in rows}

    def put(self, rows: Iterable[Row]) -> dict[str, Entry]:
        """Write rows in one transaction; they are on disk when this returns.

        Returns:
            What stands under the keys that another process had answered meanwhile: its answers stay, ours
            count as spent.

        Raises:
            UserError: they cannot be written; nothing of them is in the log.
        """
        taken = self._safely(list(rows), None)
        return self.get(taken) if taken else {}

    def put_part(self, rows: Iterable[Row], name: str, offset: int) -> None:
        """As `put`, of rows that stand in a worker's file `name` up to the byte `offset`: once, for ever.

        Raises:
            UserError: as `put`.
        """
        self._safely(list(rows), (name, offset))

    def offset(self, name: str) -> int:
        """Up to which byte the file `name` of a worker was put in; 0 where nothing was."""
        with self._writing, explained(self.path):
            self._writer.execute(PARTS)
            row = self._writer.execute("SELECT offset FROM parts WHERE name=?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _safely(self, rows: list[Row], part: tuple[str, int] | None) -> list[str]:
        """Write in one transaction, on a full disk into the reserve; keys that had an answer already."""
        with self._writing:
            try:
                return self._put(rows, part)
            except UserError as error:
                if not _full(error) or self._reserve.closed:
                    raise
                self._reserve.close()
                taken = self._put(rows, part)
                self.trouble = error
                return taken

    def _put(self, rows: list[Row], part: tuple[str, int] | None) -> list[str]:
        taken = []
        with explained(self.path), transaction(self._writer):
            if part is not None:
                self._writer.execute("INSERT OR REPLACE INTO parts VALUES (?, ?)", part)
            for row in rows:
                values = _values(row)
                if self._writer.execute(INSERT, values).rowcount == 0:
                    taken.append(row.key)
                if row.entry.answer is not None:
                    self._writer.execute(COUNT, _usage(row, row.entry.answer))
        return taken

    def usage(self, kind: str, model: str, batched: bool = False) -> Usage:
        """What this log's answers of a teacher took so far, those of other processes included."""
        query = (
            "SELECT answers, unmetered, prompt_tokens, response_tokens FROM usage"
            " WHERE kind=? AND model=? AND batched=?"
        )
        with self._reading, explained(self.path):
            row = self._reader.execute(query, (kind, model, int(batched))).fetchone()
        return Usage(*row) if row else Usage()

    def rows(self, kind: str | None = None, model: str | None = None) -> Iterator[Row]:
        """All rows in the order they came first, in pages, so that writers are never held up."""
        last = 0
        while True:
            query = (
                f"SELECT id, {ASKED}, {FOUND} FROM requests WHERE id > ?"
                " AND kind = ifnull(?, kind) AND model = ifnull(?, model) ORDER BY id LIMIT ?"
            )
            with self._reading, explained(self.path):
                page = self._reader.execute(query, (last, kind, model, PAGE)).fetchall()
            if not page:
                return
            last = page[-1][0]
            yield from (_row(values[1:]) for values in page)

    def teachers(self) -> list[tuple[str, str]]:
        """Kind and model of every teacher that has answered, sorted."""
        query = "SELECT DISTINCT kind, model FROM usage ORDER BY kind, model"
        with self._reading, explained(self.path):
            return list(self._reader.execute(query))

    def add_batch(self, id: str, kind: str, model: str, keys: Sequence[str]) -> None:
        """Remember a batch that a provider took, so that a crash does not send its requests again.

        Raises:
            UserError: the log cannot be written.
        """
        values = (id, kind, model, json.dumps(list(keys)), time.time())
        with self._writing, explained(self.path), transaction(self._writer):
            self._writer.execute("INSERT OR IGNORE INTO batches VALUES (?, ?, ?, ?, ?, 1)", values)

    def open_batches(self, kind: str, model: str) -> list[tuple[str, list[str]]]:
        """Batches whose answers have not been fetched: id and the keys of their requests, oldest first."""
        query = "SELECT id, keys FROM batches WHERE open AND kind=? AND model=? ORDER BY time"
        with self._reading, explained(self.path):
            return [(id, json.loads(keys)) for id, keys in self._reader.execute(query, (kind, model))]

    def close_batch(self, id: str) -> None:
        """Its answers are in the log, or it came to nothing."""
        with self._writing, explained(self.path), transaction(self._writer):
            self._writer.execute("UPDATE batches SET open=0 WHERE id=?", (id,))

    def close(self) -> None:
        """Give the file back; nothing is lost without it."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()
            self._reserve.close()

    def __enter__(self) -> RequestLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _full(error: UserError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL


def _values(row: Row) -> tuple[str | bytes | float | None, ...]:
    request, entry = row.request, row.entry
    messages = [[message.role, message.content] for message in request.messages]
    asked = (row.key, row.kind, row.model, _json(messages), _json(astuple(request.sampling)), request.sample)
    if (a := entry.answer) is None:
        found: tuple[str | bytes | int | None, ...] = (None,) * 6
    else:
        found = (_text(a.text), a.finish, a.prompt_tokens, a.response_tokens, a.model, _text(a.raw))
    failure = None if entry.failure is None else _text(entry.failure)
    return (*asked, time.time(), row.tries, int(row.batched), *found, failure, int(entry.final))


def _usage(row: Row, answer: Answer) -> tuple[str | int, ...]:
    prompt, response = answer.prompt_tokens, answer.response_tokens
    unmetered = int(prompt is None or response is None)
    return (row.kind, row.model, int(row.batched), unmetered, prompt or 0, response or 0)


def _json(value: object) -> str | bytes:
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _text(text: str) -> str | bytes:
    """SQLite takes UTF-8 only; half a surrogate pair, which JSON can carry, is kept as bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _str(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _entry(values: Sequence[object]) -> Entry:
    text, finish, prompt, response, model, raw, failure, final = values
    answer = None
    if text is not None:
        answer = Answer(_str(text), finish, prompt, response, model, _str(raw))  # type: ignore[arg-type]
    return Entry(answer, None if failure is None else _str(failure), bool(final))  # type: ignore[arg-type]


def _row(values: Sequence[object]) -> Row:
    key, messages, sampling, sample, kind, model, tries, batched = values[:8]
    turns = tuple(Message(role, content) for role, content in json.loads(_str(messages)))  # type: ignore[arg-type]
    request = Request(turns, Sampling(*json.loads(_str(sampling))), sample)  # type: ignore[arg-type]
    return Row(key, kind, model, request, _entry(values[8:]), tries, bool(batched))  # type: ignore[arg-type]
