"""What our SQLite files share: transactions, and one sentence for what SQLite raises."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lamini.errors import UserError


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the write lock is taken first, so that two processes cannot deadlock."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(meaning: Callable[[int, sqlite3.DatabaseError], str]) -> Iterator[None]:
    """Turn what SQLite raises into the sentence that `meaning` has for its code, without the extended part.

    Raises:
        UserError: full disk, damaged file, no permission, or another process that holds the file too long.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise  # the sqlite3 module's own: a mistake of ours
        raise UserError(meaning(code & 0xFF, error)) from error
