"""The items that people disagree on most: the scale, the instruction or a rater needs a second look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from lamini.rating.study import Item, Study
from lamini.rating.summary.collected import Given, levels_of

MOST = 10  # items that are shown


@dataclass(frozen=True, slots=True)
class Disputed:
    """An item, how far two people are apart on its texts (mean), and what they gave where they are."""

    id: str
    group: str
    instruction: str
    apart: float  # levels on an ordered scale, else the share of pairs that differ
    raters: int
    given: dict[str, dict[str, str]]  # owner (and part) -> rater -> letter


def disputed(study: Study, people: Sequence[Given], most: int = MOST) -> list[Disputed]:
    """The items furthest apart, those that all agree on left out."""
    by_target = levels_of(people)
    rows = [row for item in study.items if (row := _disputed(study, item, by_target)) is not None]
    return sorted(rows, key=lambda row: (-row.apart, row.id))[:most]


def _disputed(study: Study, item: Item, by_target: Mapping[str, Mapping[str, int]]) -> Disputed | None:
    distances: list[float] = []
    given: dict[str, dict[str, str]] = {}
    raters: set[str] = set()
    for target in item.targets:
        levels = by_target.get(target.key, {})
        own = [
            float(_apart(one, other, study.scale.ordinal)) for one, other in combinations(levels.values(), 2)
        ]
        distances += own
        raters |= set(levels) if own else set()
        if any(own):
            who = " / ".join(target.owners) + (f" ({target.part})" if study.sheet == "pairs" else "")
            given[who] = {rater: study.scale.letters[level] for rater, level in levels.items()}
    if not given:
        return None
    apart = sum(distances) / len(distances)
    return Disputed(item.id, item.group, item.instruction, apart, len(raters), given)


def _apart(one: int, other: int, ordinal: bool) -> int:
    return abs(one - other) if ordinal else int(one != other)
