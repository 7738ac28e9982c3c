"""Ratings on disk, one file for a study: each is there, for good, when `rate` returns.

Any thread may call a Store, each process opens its own. Nothing is updated and nothing deleted: a rating that
is changed or taken back is another event, and the last one of a rater on a target stands. So a post that is
repeated until it is acknowledged is never counted twice, and files of two machines merge in any order.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from lamini.errors import UserError
from lamini.rating import kept, rows
from lamini.rating.making import make
from lamini.rating.opening import connect, explained
from lamini.rating.records import Event, Holding, Rater, Rating, Refused, tidy, whole
from lamini.rating.standing import EVENT, Held, Standing, event_of
from lamini.rating.study import Item, Study
from lamini.sqlite import transaction

__all__ = ["Event", "Held", "Holding", "Rater", "Rating", "Refused", "Store"]


class Store:
    """The ratings of one study. A context; leaving it without `close` loses nothing either."""

    def __init__(
        self, path: Path, study: Study, writer: sqlite3.Connection, reader: sqlite3.Connection
    ) -> None:
        self.path, self.study = path, study
        self._writer, self._reader = writer, reader
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._standing = Standing(study)
        self._targets = {target.key: item.key for item in study.items for target in item.targets}

    @classmethod
    def create(cls, path: Path, study: Study) -> Store:
        """A new file that holds the whole study.

        Raises:
            UserError: a file is there already, or it cannot be written.
        """
        make(path, lambda connection: kept.save(connection, study))
        return cls.open(path, study)

    @classmethod
    def open(cls, path: Path, study: Study | None = None, *, reading: bool = False) -> Store:
        """The ratings at `path`. A `study` given must be the file's; how many rate how much it may say anew.

        With `reading` the file may lie on a disk that nobody can write; then nothing can be rated.

        Raises:
            UserError: no file of ratings, damaged, of another version or another study, or read-only.
        """
        writer = connect(path, reading=reading)
        try:
            with explained(path):
                there = kept.load(writer)
            if study is not None and study.digest != there.digest:
                raise UserError(
                    f"{path} holds ratings of another study ({kept.describe(there)}) than this one"
                    f" ({kept.describe(study)}); choose another ratings=<file>"
                )
            return cls(path, study or there, writer, writer if reading else connect(path))
        except BaseException:
            writer.close()
            raise

    def join(
        self, name: str, token_hash: str | None = None, kind: str = "person", now: float | None = None
    ) -> Rater:
        """Who rates under this name, made where there is nobody yet; a new `token_hash` replaces the old.

        Raises:
            Refused: no name, or one that a rater of the other kind has.
            UserError: the file cannot be written.
        """
        name = tidy(name)
        with self.writing() as connection:
            found = next((one for one in rows.raters(connection) if one.name == name), None)
            if found is not None and found.kind != kind:
                raise Refused(f"{name} is the name of a {found.kind} here; choose another one")
            if found is None or token_hash not in (None, found.token_hash):
                rows.add_join(connection, name, kind, time.time() if now is None else now, token_hash or "")
            return next(one for one in rows.raters(connection) if one.name == name)

    def raters(self) -> list[Rater]:
        """All of them, people and judges, as they came."""
        with self.looking() as connection:
            return rows.raters(connection)

    def take(self, rater: int, item: str, now: float) -> None:
        """Note that the rater holds the item.

        Raises:
            Refused: no such rater or item.
            UserError: the file cannot be written.
        """
        with self.writing() as connection:
            rows.add_take(connection, rater, item, now)

    def assign(self, rater: int, now: float, choose: Callable[[Held], Item | None]) -> Item | None:
        """Take the item that `choose` picks, as one step: two raters who ask at once do not get the same one.

        Raises:
            UserError: as `take`.
        """
        with self.writing() as connection:
            with self._reading:
                self._standing.update(connection)
                held = self._standing.held()
            item = choose(held)
            if item is not None and rater not in held.get(item.key, {}):
                rows.add_take(connection, rater, item.key, now)
            return item

    def held(self) -> Held:
        """Item key -> rater -> Holding, judges included."""
        with self.looking() as connection:
            self._standing.update(connection)
            return self._standing.held()

    def rate(self, event: Event) -> bool:
        """Add an event; it is on disk when this returns. False: it was there already, as a repeated post is.

        It comes after what the rater said of the target before, even if the clock was set back.

        Raises:
            Refused: no such rater, target or level; the study is closed; another event has this id.
            UserError: the file cannot be written (disk full); nothing of the event is in it.
        """
        event = replace(event, note=whole(event.note), at=event.at or time.time())
        self.check(event)
        with self.writing() as connection:
            if (known := rows.find(connection, event.id)) is not None:
                if replace(known, seconds=0.0, at=0.0) == replace(event, seconds=0.0, at=0.0):
                    return False
                raise Refused(f"another rating has the id {event.id}; each needs its own")
            kind = connection.execute("SELECT kind FROM raters WHERE id = ?", (event.rater,)).fetchone()
            if kind is None:
                raise Refused(f"there is no rater {event.rater}")
            if kind == ("person",) and rows.closed(connection) is not None:
                raise Refused("the study is closed: whose responses these are may be known by now")
            rows.add_event(connection, rows.after(connection, event))
        return True

    def check(self, event: Event) -> None:
        """Raise Refused for what cannot be a rating of this study."""
        if self._targets.get(event.target) != event.item:
            raise Refused(f"{event.target} is nothing to rate of item {event.item}")
        if event.level is not None and event.level not in self.study.scale.letters:
            raise Refused(f"level {event.level!r} is none of {', '.join(self.study.scale.letters)}")
        if not event.id or not math.isfinite(event.seconds) or not math.isfinite(event.at):
            raise Refused("a rating needs an id, and finite numbers for seconds and at")

    def current(self, rater: int | None = None) -> list[Rating]:
        """What stands and is not taken back: skipped targets too, and such as have only a note or a flag.

        In the study's order, then by rater; of one rater or of all.
        """
        with self.looking() as connection:
            self._standing.update(connection)
            return self._standing.current(rater)

    def history(self, rater: int, target: str) -> list[Event]:
        """All that a rater ever said of a target, oldest first."""
        query = f"SELECT {EVENT} FROM events WHERE rater = ? AND target = ? ORDER BY at, id"
        with self.looking() as connection:
            return [event_of(values) for values in connection.execute(query, (rater, target))]

    def close_study(self, now: float) -> None:
        """No person rates from now on: names may be shown. Merging does not carry this to another file."""
        with self.writing() as connection:
            connection.execute("INSERT INTO closings VALUES (?)", (now,))

    def closed(self) -> float | None:
        """When the study was closed first; None while it is open."""
        with self.looking() as connection:
            return rows.closed(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing of what is done with the connection is on disk at its end.

        Raises:
            UserError: the file cannot be written.
        """
        with self._writing, explained(self.path), transaction(self._writer):
            yield self._writer

    @contextmanager
    def looking(self) -> Iterator[sqlite3.Connection]:
        """What was committed, for reading; threads take turns."""
        with self._reading, explained(self.path):
            yield self._reader

    def close(self) -> None:
        """Give the file back, in one piece if nobody else has it open."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
