"""What each rater did: how much, how fast, and how mildly beside those who rated the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from lamini.rating.study import Study
from lamini.rating.summary.bootstrap import NONE, Bootstrap, Estimate, estimate, ratio
from lamini.rating.summary.collected import Given, levels_of
from lamini.rating.summary.counts import scores


@dataclass(frozen=True, slots=True)
class Rated:
    """One rater. Means are of levels as numbers, None where the scale has no better and worse."""

    rater: str
    kind: str  # person or judge
    items: int
    ratings: int
    seconds: float | None  # half of the ratings took less; None: not measured
    mean: float | None
    overall: float | None  # its mean minus that of all other people's ratings, whatever these rated
    shared: int  # targets that other people rated too
    leniency: Estimate  # mean on those minus the others' mean there; above 0: milder


def rated(
    study: Study, people: Sequence[Given], judges: Sequence[Given], bootstrap: Bootstrap
) -> list[Rated]:
    """People, then judges, in the order in which they first rated; both beside people."""
    by_target = levels_of(people)
    rows = []
    for kind, given in (("person", people), ("judge", judges)):
        own: dict[str, list[Given]] = defaultdict(list)
        for one in given:
            own[one.rater].append(one)
        rows += [
            _rated(study, kind, name, ratings, people, by_target, bootstrap) for name, ratings in own.items()
        ]
    return rows


def _rated(
    study: Study, kind: str, name: str, own: Sequence[Given], people: Sequence[Given],
    by_target: Mapping[str, Mapping[str, int]], bootstrap: Bootstrap,
) -> Rated:  # fmt: skip
    number_V = np.array(list(scores(study.scale).values()), float)
    seconds = [one.seconds for one in own if one.seconds > 0]
    items = len({one.item for one in own})
    took = median(seconds) if seconds else None
    if study.sheet == "preference":
        return Rated(name, kind, items, len(own), took, None, None, 0, NONE)
    others = [one for one in people if kind == "judge" or one.rater != name]
    mean = float(number_V[[one.level for one in own]].mean())
    overall = mean - float(number_V[[one.level for one in others]].mean()) if others else None
    shared, leniency = _leniency(name if kind == "person" else None, own, by_target, number_V, bootstrap)
    return Rated(name, kind, items, len(own), took, mean, overall, shared, leniency)


def _leniency(
    person: str | None, own: Sequence[Given], by_target: Mapping[str, Mapping[str, int]],
    number_V: np.ndarray, bootstrap: Bootstrap,
) -> tuple[int, Estimate]:  # fmt: skip
    """Targets that others rated too, and the mean difference to them."""
    parts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for one in own:
        others = [level for rater, level in by_target.get(one.target, {}).items() if rater != person]
        if others:
            parts[one.item] += [number_V[one.level] - number_V[others].mean(), 1]
    if not parts:
        return 0, NONE
    parts_IX = np.array(list(parts.values()))
    total, shared = parts_IX.sum(axis=0)
    drawn_SX = bootstrap.sums(parts_IX)
    return int(shared), estimate(float(total / shared), ratio(drawn_SX[:, 0], drawn_SX[:, 1]), len(parts_IX))
