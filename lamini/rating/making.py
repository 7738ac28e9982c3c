"""A new file of ratings: drafted beside its place and put there complete, never over another file."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from lamini.errors import UserError
from lamini.rating.opening import explained, log_of
from lamini.rating.schema import APPLICATION, FORMAT, SCHEMA
from lamini.runs import ensure_writable, reason
from lamini.sqlite import transaction


def make(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """A new file at `path` with the tables and what `fill` writes; it is there when it is complete.

    Raises:
        UserError: a file is there already, or it cannot be written.
    """
    if path.exists():
        raise _taken(path)
    if (left := log_of(path)) is not None:  # SQLite would read it into the new file
        raise UserError(
            f"{left} is left of ratings that were removed; remove it, or set another ratings=<file>"
        )
    ensure_writable(path.parent, "ratings", "<file>")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as place, explained(path):
            draft = Path(place) / "draft"
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                with transaction(connection):
                    _tables(connection)
                    fill(connection)
            _publish(draft, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {reason(error)}; set ratings=<file>") from error


def _tables(connection: sqlite3.Connection) -> None:
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={APPLICATION}")
    connection.execute(f"PRAGMA user_version={FORMAT}")


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name, unless somebody else was first; a link never replaces a file."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise _taken(path) from None
        draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _taken(path: Path) -> UserError:
    return UserError(f"{path} is there already; continue it, or choose another ratings=<file>")
