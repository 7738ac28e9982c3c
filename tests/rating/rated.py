"""Ratings of the small studies, and files that hold them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from uuid import uuid4

from lamini.rating.carried import packed
from lamini.rating.kept import save
from lamini.rating.making import _tables
from lamini.rating.store import Event, Store
from lamini.rating.study import Item, Study, Target


def places(study: Study) -> list[tuple[Item, Target]]:
    """All that is rated, in order."""
    return [(item, target) for item in study.items for target in item.targets]


def event(study: Study, rater: int, place: int = 0, level: str | None = "A", **more: Any) -> Event:
    """A rating of what stands at that place of the study."""
    item, target = places(study)[place]
    return Event(more.pop("id", str(uuid4())), rater, item.key, target.key, level, **more)


def memory(study: Study) -> sqlite3.Connection:
    """A file that is none."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _tables(connection)
    save(connection, study)
    return connection


def content(connection: sqlite3.Connection) -> tuple[Any, ...]:
    """What a file holds, however its raters are numbered and in whatever order things came."""
    found = packed(connection)
    events = [(found.names[one.rater], *values(one)) for one in found.events]
    return found.kinds, found.joins, found.takes, events


def values(one: Event) -> tuple[Any, ...]:
    """All of an event but its rater, whose number is a file's own."""
    return (
        one.id, one.item, one.target, one.level, one.note, one.skipped, one.flagged, one.seconds, one.at,
    )  # fmt: skip


def held_in(store: Store) -> tuple[Any, ...]:
    """The content of a store."""
    with store.looking() as connection:
        return content(connection)


def new(place: Path, study: Study, name: str = "ratings.sqlite") -> Store:
    """A store of the study."""
    return Store.create(place / name, study)
