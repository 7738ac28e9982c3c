"""How far raters agree: share of equal ratings, Krippendorff's alpha, Cohen's and Fleiss' kappa.

alpha   any number of raters, any gaps; on an ordered scale A and B disagree less than A and D
kappa   Cohen's, of two raters, or pooled over all pairs of them; linear and quadratic weights do the same
Fleiss  of as many raters a response each time, without order

The figures come from krippendorff (numpy alone, one purpose, released yearly), scikit-learn and statsmodels.
Their resamples come from formulae.py, on sums of tables over the items: a table of an item counts how often
one level met another, each rating once however many raters a response had, and everything but Fleiss' kappa
can be read from their sum. Tests hold formulae and libraries together.

Where all ratings are of one level, they agree entirely and say nothing about the raters: not defined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamini.rating.study import Scale
from lamini.rating.summary.bootstrap import NONE, Bootstrap, Estimate, estimate
from lamini.rating.summary.formulae import alphas, equals, fleisses, kappas

WEIGHTS = ("linear", "quadratic")


@dataclass(frozen=True, slots=True)
class Unit:
    """What several raters rated: the item it is of, and the level that each gave."""

    item: str
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fleiss:
    """Fleiss' kappa on the units that so many raters rated; `missing`: statsmodels is not installed."""

    kappa: Estimate
    raters: int
    units: int
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of raters on the `units` that they have in common, which stand in so many items."""

    between: str
    units: int
    items: int
    equal: Estimate  # share of pairs of ratings
    alpha: Estimate  # Krippendorff's: ordinal where the scale is, else nominal
    kappa: dict[str, Estimate]  # Cohen's by weights: linear and quadratic, or plain where there is no order
    fleiss: Fleiss | None = None  # of groups only


def agreement(
    between: str, units: Sequence[Unit], scale: Scale, bootstrap: Bootstrap, *, group: bool = False
) -> Agreement | None:
    """None where nothing was rated twice.

    In a `group` nobody is the first: every pair of ratings counts in both directions, and Fleiss' kappa is
    told as well. Else a unit holds two ratings, that of the one and that of the other.
    """
    units = [unit for unit in units if len(unit.levels) > 1]
    if not units:
        return None
    levels = len(scale.letters)
    tables_IVV = tables(units, levels, group)
    items = len(tables_IVV)
    table_VV = tables_IVV.sum(axis=0)
    drawn_SVV = bootstrap.sums(tables_IVV.reshape(items, -1)).reshape(-1, levels, levels)
    met_SVV = drawn_SVV if group else drawn_SVV + drawn_SVV.transpose(0, 2, 1)
    equal = float(np.trace(table_VV) / table_VV.sum())
    weights = WEIGHTS if scale.ordinal else ("plain",)
    return Agreement(
        between, len(units), items,
        equal=estimate(equal, equals(drawn_SVV), items),
        alpha=estimate(_alpha(units, scale), alphas(met_SVV, scale.ordinal), items),
        kappa={
            name: estimate(_kappa(units, levels, group, name), kappas(drawn_SVV, name), items)
            for name in weights
        },
        fleiss=fleiss(units, levels, bootstrap) if group else None,
    )  # fmt: skip


def tables(units: Sequence[Unit], levels: int, group: bool) -> np.ndarray:
    """How often level v met level w on each item, float64 (I, V, V); each rating of a group counts once.

    A, A, B on one unit of a group: A meets A twice and B twice, each in both directions, over 3 - 1 others.
    """
    numbers = {item: number for number, item in enumerate(dict.fromkeys(unit.item for unit in units))}
    tables_IVV = np.zeros((len(numbers), levels, levels))
    for unit in units:
        for first, second, weight in _met(unit, group):
            tables_IVV[numbers[unit.item], first, second] += weight
    return tables_IVV


def _met(unit: Unit, group: bool) -> Iterable[tuple[int, int, float]]:
    """Pairs of levels with their weights."""
    if not group:
        first, second = unit.levels
        return [(first, second, 1.0)]
    weight = 1 / (len(unit.levels) - 1)
    return [
        (first, second, weight)
        for n, first in enumerate(unit.levels)
        for m, second in enumerate(unit.levels)
        if n != m
    ]


def fleiss(units: Sequence[Unit], levels: int, bootstrap: Bootstrap) -> Fleiss:
    """Fleiss' kappa on the units that have as many raters as most of them do."""
    raters, _ = Counter(len(unit.levels) for unit in units).most_common(1)[0]
    chosen = [unit for unit in units if len(unit.levels) == raters]
    counts_UV = counted(chosen, levels)
    try:
        from statsmodels.stats.inter_rater import fleiss_kappa
    except ImportError:
        return Fleiss(NONE, raters, len(chosen), missing=True)
    value = float(fleiss_kappa(counts_UV)) if _several(counts_UV) else None
    parts_IX = _fleiss_parts(chosen, counts_UV)
    drawn_S = fleisses(bootstrap.sums(parts_IX), raters)
    return Fleiss(estimate(value, drawn_S, len(parts_IX)), raters, len(chosen))


def _fleiss_parts(units: Sequence[Unit], counts_UV: np.ndarray) -> np.ndarray:
    """What an item adds to the sums: units, equal pairs, ratings of each level, float64 (I, 2 + V)."""
    numbers = {item: number for number, item in enumerate(dict.fromkeys(unit.item for unit in units))}
    equal_U = (counts_UV * (counts_UV - 1)).sum(axis=1)
    parts_IX = np.zeros((len(numbers), 2 + counts_UV.shape[1]))
    for unit, equal, counts_V in zip(units, equal_U, counts_UV, strict=True):
        parts_IX[numbers[unit.item]] += [1, equal, *counts_V]
    return parts_IX


def counted(units: Sequence[Unit], levels: int) -> np.ndarray:
    """How many raters gave each level to each unit, int64 (U, V)."""
    return np.array([np.bincount(unit.levels, minlength=levels) for unit in units])


def _several(counts_UV: np.ndarray) -> bool:
    """Whether more than one level was given."""
    return int((counts_UV.sum(axis=0) > 0).sum()) > 1


def _alpha(units: Sequence[Unit], scale: Scale) -> float | None:
    import krippendorff

    counts_UV = counted(units, len(scale.letters))
    if not _several(counts_UV):
        return None
    measure: Any = "ordinal" if scale.ordinal else "nominal"
    return float(krippendorff.alpha(value_counts=counts_UV, level_of_measurement=measure))


def _kappa(units: Sequence[Unit], levels: int, group: bool, weights: str) -> float | None:
    from sklearn.metrics import cohen_kappa_score  # 1 s

    first, second, weight = zip(*(pair for unit in units for pair in _met(unit, group)), strict=True)
    if len({*first, *second}) < 2:
        return None
    named = None if weights == "plain" else weights
    return float(
        cohen_kappa_score(first, second, labels=list(range(levels)), weights=named, sample_weight=weight)
    )
