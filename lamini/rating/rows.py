"""Single rows of the file: the statements behind store and merging. Transactions are their callers'."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from lamini.rating.records import KINDS, Event, Rater, Refused
from lamini.rating.standing import EVENT, event_of

RATERS = """
SELECT id, name, kind, at, token_hash FROM raters JOIN joins ON rater = id ORDER BY id, at, token_hash
"""


def raters(connection: sqlite3.Connection) -> list[Rater]:
    """All of them as they came; of several links of one rater the last is valid."""
    found: dict[int, Rater] = {}
    for id, name, kind, at, token_hash in connection.execute(RATERS):
        before = found.get(id, Rater(id, name, None, kind, at))
        found[id] = replace(before, token_hash=token_hash or before.token_hash)
    return list(found.values())


def add_join(connection: sqlite3.Connection, name: str, kind: str, at: float, token_hash: str) -> int:
    """Note that somebody joined, "" for no link; what is there already stays as it is.

    Returns:
        The rater's number.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is none of {KINDS}")
    connection.execute("INSERT OR IGNORE INTO raters (name, kind) VALUES (?, ?)", (name, kind))
    (id,) = connection.execute("SELECT id FROM raters WHERE name = ?", (name,)).fetchone()
    connection.execute("INSERT OR IGNORE INTO joins VALUES (?, ?, ?)", (id, at, token_hash))
    return int(id)


def add_take(connection: sqlite3.Connection, rater: int, item: str, at: float) -> bool:
    """Note that the rater took the item then. False: it was there already.

    Raises:
        Refused: no such rater or item.
    """
    for table, column, value in (("raters", "id", rater), ("items", "key", item)):
        if connection.execute(f"SELECT 1 FROM {table} WHERE {column} = ?", (value,)).fetchone() is None:
            raise Refused(f"there is no {table.removesuffix('s')} {value}")
    insert = "INSERT OR IGNORE INTO takes (rater, item, at) VALUES (?, ?, ?)"
    return connection.execute(insert, (rater, item, at)).rowcount > 0


def add_event(connection: sqlite3.Connection, event: Event) -> None:
    """A new event, exactly as it is."""
    connection.execute(
        f"INSERT INTO events ({EVENT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.id, event.rater, event.item, event.target, event.level, event.note, int(event.skipped),
            int(event.flagged), event.seconds, event.at,
        ),
    )  # fmt: skip


def find(connection: sqlite3.Connection, id: str) -> Event | None:
    """The event of that id."""
    values = connection.execute(f"SELECT {EVENT} FROM events WHERE id = ?", (id,)).fetchone()
    return None if values is None else event_of(values)


def events(connection: sqlite3.Connection) -> list[Event]:
    """All of them by time, the same list whatever order they were merged in."""
    return [event_of(values) for values in connection.execute(f"SELECT {EVENT} FROM events ORDER BY at, id")]


def after(connection: sqlite3.Connection, event: Event) -> Event:
    """The event at its time, or just after the rater's last word on the target where that is not older."""
    query = "SELECT max(at) FROM events WHERE rater = ? AND target = ?"
    (last,) = connection.execute(query, (event.rater, event.target)).fetchone()
    return event if last is None or last < event.at else replace(event, at=math.nextafter(last, math.inf))


def closed(connection: sqlite3.Connection) -> float | None:
    """When the study was closed first."""
    (at,) = connection.execute("SELECT min(at) FROM closings").fetchone()
    return None if at is None else float(at)


@contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside was committed at one moment, although others may be writing."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
