"""One rater between study and store: which item, which ratings, how much is left; nobody's name in it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import median

from lamini.rating.assignment import claims, next_item, shared_items, slots
from lamini.rating.records import Rating
from lamini.rating.store import Held, Rater, Store
from lamini.rating.study import Item

ENOUGH = 3  # finished items from which on a rater's pace says something


@dataclass(frozen=True, slots=True)
class Own:
    """An item of a rater."""

    key: str
    finished: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rater is."""

    finished: int  # items
    share: int  # items that this rater may expect to get in all
    seconds_left: float | None  # by the rater's own median; None: too early to say

    @property
    def said(self) -> str:
        """The time left in words; "" where nothing can be said.

        >>> Progress(5, 15, 540.0).said, Progress(14, 15, 20.0).said
        ('about 9 minutes left', 'about a minute left')
        """
        if self.seconds_left is None or self.finished >= self.share:
            return ""
        minutes = max(1, round(self.seconds_left / 60))
        if minutes > 90:
            return f"about {round(minutes / 60)} hours left"
        return "about a minute left" if minutes == 1 else f"about {minutes} minutes left"


class Desk:
    """What all requests share. Any thread may call it: what it keeps only ever grows."""

    def __init__(self, store: Store) -> None:
        """The desk of one store's study."""
        self.store, self.study = store, store.study
        self.items = {item.key: item for item in self.study.items}
        self._shared = shared_items(self.study)
        self._raters: dict[int, Rater] = {}
        self._owned: dict[int, dict[str, None]] = {}  # rater -> items in the order in which they came

    def rater(self, number: int) -> Rater | None:
        """Who has this number; nobody where it is a judge's or none."""
        if number not in self._raters:
            self._raters.update({one.id: one for one in self.store.raters() if one.kind == "person"})
        return self._raters.get(number)

    def of_name(self, name: str) -> Rater | None:
        """Who goes by this name already, in large letters or small."""
        same = [one for one in self.store.raters() if one.name.casefold() == name.casefold()]
        return next((one for one in same if one.name == name), same[0] if same else None)

    def next(self, rater: Rater) -> Item | None:
        """The item that the rater is at or gets now; None: nothing is left for this rater."""
        now, people = time.time(), self._people()
        return self.store.assign(
            rater.id, now, lambda held: next_item(self.study, claims(held, people), rater.id, now)
        )

    def own(self, rater: Rater, held: Held | None = None) -> list[Own]:
        """The rater's items, in the order in which they came (after a restart: in which anybody got them)."""
        held = self.store.held() if held is None else held
        order = self._owned.setdefault(rater.id, {})
        order.update(dict.fromkeys(key for key in held if rater.id in held[key]))
        return [Own(key, held[key][rater.id].finished) for key in list(order)]

    def owns(self, rater: Rater, item: str) -> bool:
        """Whether the rater was given the item."""
        if item not in self._owned.get(rater.id, {}):
            self.own(rater)
        return item in self._owned.get(rater.id, {})

    def ratings(self, rater: Rater, item: Item) -> dict[str, Rating]:
        """What the rater said of an item: target key -> what stands."""
        targets = {target.key for target in item.targets}
        return {one.target: one for one in self.store.current(rater.id) if one.target in targets}

    def progress(self, rater: Rater) -> Progress:
        """How far the rater is, and how long the rest will take."""
        held = self.store.held()
        mine = self.own(rater, held)
        finished = sum(one.finished for one in mine)
        share = self._share(rater, held, len(mine))
        pace = self._pace(rater, {one.key for one in mine if one.finished})
        return Progress(finished, share, None if pace is None else pace * (share - finished))

    def _people(self) -> frozenset[int]:
        return frozenset(one.id for one in self.store.raters() if one.kind == "person")

    def _share(self, rater: Rater, held: Held, mine: int) -> int:
        """Items this rater gets if all go on; where nothing limits them, all that are still open."""
        people, limits = self._people(), []
        if self.study.items_per_rater is not None:
            limits.append(self.study.items_per_rater)
        if self.study.raters:
            limits.append(math.ceil(slots(self.study) / self.study.raters))
        there = 0
        for key in self.items:
            holders = set(held.get(key, {})) & people
            wanted = self.study.raters_per_item if key in self._shared else 1
            there += rater.id not in holders and len(holders) < wanted
        return max(mine, min([mine + there, *limits]))

    def _pace(self, rater: Rater, finished: set[str]) -> float | None:
        """Seconds this rater takes for an item: the median, which a pause does not move."""
        took: dict[str, float] = {}
        for rating in self.store.current(rater.id):
            if rating.item in finished:
                took[rating.item] = took.get(rating.item, 0.0) + rating.seconds
        return median(took.values()) if len(took) >= ENOUGH else None
