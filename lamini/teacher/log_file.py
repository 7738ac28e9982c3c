"""The file under the request log: how it is opened, recognised and refused, and what its errors mean.

SQLite in WAL mode: one writer at a time and readers beside it, in as many processes as one machine runs. A
commit is flushed to disk (`synchronous=FULL`), so that not even a power cut loses what was paid for; that
costs milliseconds a commit, which is why `asking` commits many answers at once. WAL needs shared memory: the
log must not lie on a network file system that several machines write.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from lamini import sqlite
from lamini.errors import UserError
from lamini.runs import ensure_writable
from lamini.sqlite import transaction

APPLICATION = 0x4C614D69  # "LaMi": tells a request log from any other SQLite file
FORMAT = 1
BUSY = 120.0  # seconds to wait for another process that writes
RESERVE = 16 * 2**20  # bytes set aside for what is in flight when the disk runs full
SCHEMA = """
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, model TEXT NOT NULL,
    messages TEXT NOT NULL, sampling TEXT NOT NULL, sample INTEGER NOT NULL,
    time REAL NOT NULL, tries INTEGER NOT NULL, batched INTEGER NOT NULL,
    text TEXT, finish TEXT, prompt_tokens INTEGER, response_tokens INTEGER, answered_by TEXT, raw TEXT,
    failure TEXT, final INTEGER NOT NULL
);
CREATE TABLE usage (
    kind TEXT NOT NULL, model TEXT NOT NULL, batched INTEGER NOT NULL,
    answers INTEGER NOT NULL, unmetered INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, response_tokens INTEGER NOT NULL,
    PRIMARY KEY (kind, model, batched)
);
CREATE TABLE batches (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, model TEXT NOT NULL,
    keys TEXT NOT NULL, time REAL NOT NULL, open INTEGER NOT NULL
);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the log at `path`, which is made where there is none.

    Raises:
        UserError: the file is no request log, or one of another version, or cannot be read or written.
    """
    if not path.exists():
        ensure_writable(path.parent, "log")
    with explained(path):
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            _recognise(connection, path)
            connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
    return connection


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file; refuse what is none of ours before anything in it is changed."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        _use_wal(connection)
        with transaction(connection):  # a second process waits here and then finds the tables
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for statement in SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={APPLICATION}")
                connection.execute(f"PRAGMA user_version={FORMAT}")
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise UserError(f"{path} is no request log; set log=<file> to one, or to a new file")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise UserError(
            f"{path} is a request log of format {version} and this version reads format {FORMAT};"
            " set log=<file> to another or a new file"
        )


def _use_wal(connection: sqlite3.Connection) -> None:
    """Change the journal; SQLite does not wait for other processes here, so we do."""
    until = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def explained(path: Path) -> AbstractContextManager[None]:
    """Turn what SQLite raises into one sentence (lamini/sqlite.py)."""
    return sqlite.explained(lambda code, error: f"the request log {path} {_meaning(code, error)}")


def _meaning(base: int, error: sqlite3.DatabaseError) -> str:
    if base == sqlite3.SQLITE_FULL:
        return "cannot be written: the disk is full; free some space, or set log=<file> to another disk"
    if base in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"cannot be read ({error}); set log=<file> to a request log, or to a new file"
    if base in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"has been held by another process for {BUSY:.0f} seconds; end it, or set log=<file>"
    return f"cannot be used ({error}); set log=<file> to a file that can be read and written"


def reserve(folder: Path) -> IO[bytes]:
    """A nameless file that holds disk space until it is closed, or until its process dies.

    Raises:
        UserError: the disk does not even have that much.
    """
    try:
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        for _ in range(RESERVE // 2**20):
            file.write(bytes(2**20))
    except OSError as error:
        raise UserError(
            f"{folder} has no room for the request log ({error.strerror}); set log=<file> to another disk"
        ) from error
    return file
