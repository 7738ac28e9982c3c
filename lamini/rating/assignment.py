"""Who rates what, and in which order: pure functions of the study, its seed, and who has what.

Items that nobody has come first, so a rater who stops half-way leaves items that the next one gets, and no
hole. The dealing and the choice of shared items go through all groups (apps, categories, sources) evenly:
whenever people stop, each group is about as far as the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Protocol, TypeVar

from lamini.rating.study import Item, Study, Target, hashed

STALE = 2 * 3600.0
"""Seconds after which an item that is held and not finished is dealt to somebody else as well."""

R = TypeVar("R", int, str)


class Held(Protocol):
    """What `Store.held` says of one rater and one item."""

    @property
    def taken(self) -> float:
        """When the rater took it."""

    @property
    def finished(self) -> bool:
        """Whether all its targets are rated or skipped."""


def claims(held: Mapping[str, Mapping[R, Held]], people: AbstractSet[R]) -> dict[str, dict[R, float]]:
    """`Store.held` as `next_item` reads it: when somebody took an item; infinity where it is finished.

    `people` leaves judges out: what a model has rated is still to be rated by people.
    """
    return {
        item: {
            rater: math.inf if one.finished else one.taken
            for rater, one in holders.items()
            if rater in people
        }
        for item, holders in held.items()
    }


def shared_items(study: Study) -> frozenset[str]:
    """Keys of the items that `raters_per_item` people rate; the others go to one.

    With a larger `overlap` these stay shared and others join them.
    """
    count = math.floor(study.overlap * len(study.items) + 0.5)
    return frozenset(item.key for item in _spread(study, "shared")[:count])


def slots(study: Study) -> int:
    """Ratings of a whole item that the study wants in all."""
    return len(study.items) + len(shared_items(study)) * (study.raters_per_item - 1)


def dealing(study: Study) -> list[Item]:
    """All items as they are dealt."""
    return _spread(study, "dealt")


def next_item(
    study: Study, done: Mapping[str, Mapping[R, float]], rater: R, now: float, stale: float = STALE
) -> Item | None:
    """The item that `rater` gets next, or None: nothing is left, or `items_per_rater` is reached.

    `done`: item key -> rater -> when it was taken, infinity where it is finished (`claims`). What the rater
    has begun comes first; then what nobody has; then shared items that lack a rater. Nobody gets one twice.
    """
    mine = [item for item in dealing(study) if rater in done.get(item.key, {})]
    begun = [item for item in mine if done[item.key][rater] < math.inf]
    if begun:
        return min(begun, key=lambda item: done[item.key][rater])
    if study.items_per_rater is not None and len(mine) >= study.items_per_rater:
        return None
    shared = shared_items(study)
    best: tuple[int, Item] | None = None
    for item in dealing(study):
        holders = done.get(item.key, {})
        count = sum(taken > now - stale for taken in holders.values())
        wanted = study.raters_per_item if item.key in shared else 1
        if rater not in holders and count < wanted and (best is None or count < best[0]):
            best = (count, item)
    return best[1] if best else None


def order(study: Study, item: Item, rater: R) -> list[Target]:
    """The targets of an item as this rater sees them: shuffled, and the same after a reload.

    Instruction and response of one pair keep their order: the one is read before the other.
    """
    if study.sheet == "pairs":
        return list(item.targets)
    return sorted(item.targets, key=lambda target: hashed(study.digest, "order", str(rater), target.key))


def _spread(study: Study, purpose: str) -> list[Item]:
    """All items in an order by hash in which every beginning holds about the same share of each group."""
    names = tuple((item.key, item.group) for item in study.items)
    return [study.items[place] for place in _places(study.digest, purpose, names)]


@lru_cache(maxsize=16)  # every page asks for it: 15 ms with the 2,800 pairs of Figure 3
def _places(digest: str, purpose: str, names: tuple[tuple[str, str], ...]) -> tuple[int, ...]:
    groups: dict[str, list[tuple[str, int]]] = {}
    for place, (key, group) in enumerate(names):
        groups.setdefault(group, []).append((hashed(digest, purpose, key), place))
    placed = [
        ((rank + int(mark, 16) / 2**64) / len(members), mark, place)
        for members in groups.values()
        for rank, (mark, place) in enumerate(sorted(members))
    ]
    return tuple(place for *_, place in sorted(placed))
