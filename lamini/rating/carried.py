"""What one file brings to another: raters, takes and events, by name and not by number.

Adding it is a union: what is there already stays, twice brings no more than once, and the order of several
files does not matter. Only an event that has the id of another one stops it, and then nothing is added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lamini.errors import UserError
from lamini.rating import rows
from lamini.rating.records import Event, Rater

ROUNDED = 1e-3  # seconds
Join = tuple[float, str]
"""When somebody joined, and the hash of the link; "" without one"""


@dataclass
class Carried:
    """The numbers of raters in `events` are those of the file they come from: `names` tells who is meant."""

    names: dict[int, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)  # rater -> person or judge
    joins: dict[str, set[Join]] = field(default_factory=dict)  # rater -> all of them
    takes: set[tuple[str, str, float]] = field(default_factory=set)  # rater, item, when
    events: list[Event] = field(default_factory=list)


def packed(connection: sqlite3.Connection) -> Carried:
    """All that a file holds, but for the study and when it was closed; to be read in one transaction."""
    found = Carried(events=rows.events(connection))
    for id, name, kind in connection.execute("SELECT id, name, kind FROM raters ORDER BY id"):
        found.names[id], found.kinds[name], found.joins[name] = name, kind, set()
    for rater, at, token_hash in connection.execute("SELECT rater, at, token_hash FROM joins"):
        found.joins[found.names[rater]].add((at, token_hash))
    for rater, item, at in connection.execute("SELECT rater, item, at FROM takes"):
        found.takes.add((found.names[rater], item, at))
    return found


def add(connection: sqlite3.Connection, carried: Carried, origin: str) -> int:
    """Add it; returns how many events are new.

    Raises:
        UserError: a rater is a person in one place and a judge in the other; two events share an id.
    """
    there = {one.name: one for one in rows.raters(connection)}
    numbers = {}
    for name, kind in carried.kinds.items():
        _same_kind(there.get(name), kind, origin)
        for at, token_hash in sorted(carried.joins.get(name, ())):
            rows.add_join(connection, name, kind, at, token_hash)
        numbers[name] = connection.execute("SELECT id FROM raters WHERE name = ?", (name,)).fetchone()[0]
    for name, item, at in sorted(carried.takes):
        rows.add_take(connection, numbers[name], item, at)
    return sum(_add_event(connection, event, carried.names, numbers, origin) for event in carried.events)


def _add_event(
    connection: sqlite3.Connection, event: Event, names: Mapping[int, str], numbers: Mapping[str, int],
    origin: str,
) -> bool:  # fmt: skip
    ours = replace(event, rater=numbers[names[event.rater]])
    known = rows.find(connection, event.id)
    if known is None:
        rows.add_event(connection, ours)
    elif not _same(known, ours):
        raise UserError(
            f"{origin}: the rating {event.id} ({names[event.rater]}, level {event.level}) is another one here"
            f" (level {known.level}); ratings are never changed, so take the file as it was written"
        )
    return known is None


def _same(known: Event, ours: Event) -> bool:
    """Whether they are one event; a spreadsheet that saved the file may have rounded its numbers."""
    near = abs(known.at - ours.at) < ROUNDED and abs(known.seconds - ours.seconds) < ROUNDED
    return near and replace(known, at=ours.at, seconds=ours.seconds) == ours


def _same_kind(here: Rater | None, kind: str, origin: str) -> None:
    if here is not None and here.kind != kind:
        raise UserError(f"{origin}: {here.name} is a {kind} there and a {here.kind} here; rename one of them")
