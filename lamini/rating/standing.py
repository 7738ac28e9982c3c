"""How things stand: the last event of each rater on each target, and who holds which item.

The table of events only grows, so reading what was added since the last time is enough, whichever process
added it: numbers are given in the order of commits. A query over 25,000 ratings would cost every page that is
shown 170 ms, and this costs less than one (experiments/rating-store).
"""

from __future__ import annotations

import sqlite3

from lamini.rating.records import Event, Holding, Rating
from lamini.rating.study import Study

Held = dict[str, dict[int, Holding]]
"""item key -> rater -> Holding"""
EVENT = "id, rater, item, target, level, note, skipped, flagged, seconds, at"


class Standing:
    """What follows from the tables as far as they were read: `update` before a look, one thread at a time."""

    def __init__(self, study: Study) -> None:
        self._targets = {item.key: frozenset(target.key for target in item.targets) for item in study.items}
        places = (target.key for item in study.items for target in item.targets)
        self._places = {key: place for place, key in enumerate(places)}
        self._last: dict[tuple[int, str], Event] = {}
        self._held: Held = {}
        self._events = self._takes = 0  # numbers read so far

    def update(self, connection: sqlite3.Connection) -> None:
        """Read what was committed since."""
        takes = "SELECT number, rater, item, at FROM takes WHERE number > ? ORDER BY number"
        for number, rater, item, at in connection.execute(takes, (self._takes,)):
            self._hold(item, rater, at)
            self._takes = number
        events = f"SELECT number, {EVENT} FROM events WHERE number > ? ORDER BY number"
        for number, *values in connection.execute(events, (self._events,)):
            self._take_in(event_of(values))
            self._events = number

    def held(self) -> Held:
        """Who holds what."""
        return {item: dict(holders) for item, holders in self._held.items()}

    def current(self, rater: int | None = None) -> list[Rating]:
        """What stands and is not taken back, in the study's order, then by rater."""
        found = [
            event
            for event in self._last.values()
            if (rater is None or event.rater == rater) and not event.taken_back
        ]
        return sorted(found, key=lambda event: (self._places[event.target], event.rater))

    def _take_in(self, event: Event) -> None:
        before = self._last.get((event.rater, event.target))
        if before is None or (before.at, before.id) < (event.at, event.id):
            self._last[event.rater, event.target] = event
        self._hold(event.item, event.rater, event.at, event.target)

    def _hold(self, item: str, rater: int, at: float, target: str | None = None) -> None:
        holders = self._held.setdefault(item, {})
        before = holders.get(rater)
        rated = before.rated if before else frozenset()
        if target is not None:
            settled = self._last[rater, target].settled
            rated = rated | {target} if settled else rated - {target}
        taken = max(at, before.taken) if before else at
        holders[rater] = Holding(taken, rated, rated == self._targets[item])


def event_of(values: list[object] | tuple[object, ...]) -> Event:
    """The event in a row of the columns EVENT."""
    id, rater, item, target, level, note, skipped, flagged, seconds, at = values
    return Event(id, rater, item, target, level, note, bool(skipped), bool(flagged), seconds, at)  # type: ignore[arg-type]
