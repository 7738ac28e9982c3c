"""How a file of ratings is opened, recognised and refused, and what SQLite's errors mean.

WAL mode: one writer at a time and readers beside it, in as many threads and processes as a machine runs.
While a file is open, or after a crash, <file>-wal and <file>-shm stand beside it and belong to it; a clean
end leaves the one file. WAL needs shared memory: no network file system that several machines write.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamini.errors import UserError
from lamini.rating.schema import APPLICATION, FORMAT

BUSY = 30.0  # seconds to wait for another thread or process that writes
# Flushed at every commit: not even a power cut takes a rating that was acknowledged. NORMAL, which flushes at
# checkpoints, is six to ten times as fast (experiments/rating-store), but 1,700 ratings a second will do.
SYNCHRONOUS = "FULL"
OTHER = "set ratings=<file> to another or a new file"


def connect(path: Path, *, reading: bool = False) -> sqlite3.Connection:
    """A connection to the ratings at `path`, which may be shared by threads that take turns.

    Raises:
        UserError: no such file, none of ours, of another version, damaged, or (unless `reading`) read-only.
    """
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise UserError(f"{path} {what}; python rate.py answers=<parquet> begins a study, or {OTHER}")
    if not reading and not _writable(path):  # SQLite would say so at the first rating only
        raise UserError(_locked(path))
    with explained(path):
        connection = _readable(path) if reading else _opened(path, "mode=rw")
        try:
            _recognise(connection, path)
            connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
    return connection


def log_of(path: Path) -> Path | None:
    """The file beside it in which SQLite keeps what is not written into `path` yet, where there is one."""
    logs = (path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-journal"))
    return next((log for log in logs if log.exists() and log.stat().st_size), None)


def _opened(path: Path, how: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(address, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)


def _readable(path: Path) -> sqlite3.Connection:
    """A connection that rates nothing.

    Where it may, SQLite writes all the same: what a crash left in the -wal belongs to the ratings. Where it
    may not and nobody has them open, it must not even lock: a lock file of ours would keep their owner out.
    """
    alone = not path.with_name(f"{path.name}-wal").exists()
    connection = _opened(path, "mode=ro&immutable=1" if alone and not _writable(path) else "mode=rw")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        what = "is an SQLite file of something else" if tables else "is empty or cut off"
        raise UserError(f"{path} {what} and holds no ratings; {OTHER}")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        way = "update LaMini" if version > FORMAT else "use the older LaMini"
        raise UserError(
            f"{path} holds ratings of format {version}, this LaMini reads format {FORMAT}; {way}, or {OTHER}"
        )
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise UserError(_damaged(path, " ".join(str(found).split())))


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into one sentence.

    Raises:
        UserError: full disk, damaged file, no permission, or another process that holds the file too long.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise  # the sqlite3 module's own: a mistake of ours
        raise UserError(_meaning(path, code & 0xFF, error)) from error  # without the extended part


def _meaning(path: Path, code: int, error: sqlite3.DatabaseError) -> str:
    if code == sqlite3.SQLITE_FULL:
        return f"{path} cannot be written: the disk is full; free some space, what was saved before is safe"
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path} is no SQLite file and holds no ratings; {OTHER}"
    if code == sqlite3.SQLITE_CORRUPT:
        return _damaged(path, str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path} has been held by another process for {BUSY:.0f} seconds; end it, or {OTHER}"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return _locked(path)
    return f"{path} cannot be used ({error}); may it and its folder be written, and has the disk room?"


def _locked(path: Path) -> str:
    return (
        f"{path} may not be written, or its folder may not; change the permissions (chmod u+w), or copy it to"
        " another disk"
    )


def _damaged(path: Path, how: str) -> str:
    return f"{path} is damaged or only part of a file ({how}); copy it again, its -wal with it, or {OTHER}"
