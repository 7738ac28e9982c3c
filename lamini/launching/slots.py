"""Which student goes where: GPUs, or the host, and what fits on each at the same time. Pure arithmetic.

A student is `needed` bytes, by its forecast. With 80 GB free on one GPU and `most=3`, of 50, 20 and 20 GB in
this order the first two run and the third waits until one of them ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

ALONE = math.inf  # bytes of a student that takes whatever there is


@dataclass
class Place:
    """A GPU or the host: what holds students."""

    name: str
    room: float  # bytes for students; math.inf where nobody knows
    most: int  # students at a time
    visible: str | None = None  # CUDA_VISIBLE_DEVICES of its students; None: as it is
    held: list[float] = field(default_factory=list)  # bytes of those that are there

    def fits(self, needed: float) -> bool:
        """Whether one more is allowed now; an empty place takes anything."""
        if not self.held:
            return True
        together = sum(self.held) + needed
        return len(self.held) < self.most and together <= self.room and together < ALONE


class Slots:
    """The places of one kind of device, and who is where."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = list(places)

    @property
    def most(self) -> int:
        """Students that may ever run at a time."""
        return sum(place.most for place in self.places)

    def place(self, needed: float) -> Place | None:
        """Take the emptiest place that holds so many bytes; None: all are busy, wait until one ends.

        What no place can hold is given one of the largest to itself: a forecast may be wrong.
        """
        able = [place for place in self.places if needed <= place.room]
        if not able:
            largest = max(place.room for place in self.places)
            able = [place for place in self.places if place.room == largest]
        free = [place for place in able if place.fits(needed)]
        if not free:
            return None
        chosen = min(free, key=lambda place: (len(place.held), sum(place.held) - place.room))
        chosen.held.append(needed)
        return chosen

    def leave(self, place: Place, needed: float) -> None:
        """One that was there has ended."""
        place.held.remove(needed)
