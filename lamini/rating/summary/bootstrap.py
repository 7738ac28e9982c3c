"""Intervals of 95 % by a bootstrap over items: what was rated on one page is drawn together, or not at all.

Ratings of one item are not independent: one person sees all of its responses side by side, and a hard
instruction is hard for every student. Items are. Every figure of the summary is made of sums over items, so a
resample is how often each item was drawn, times the items' parts of the sums: ten thousand cost a fraction of
a second. The intervals are percentiles; BCa asks for a jackknife over items, which has no value wherever the
items that are left hold one level only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
CELLS = 4_000_000  # of the draws that are held in memory at once


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; None: not defined, or nothing to draw from.

    `undefined` is the share of the resamples in which the figure was not, which the interval leaves out.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    undefined: float = 0.0


NONE = Estimate(None)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How often is drawn, and from which seed."""

    seed: int
    resamples: int

    def sums(self, parts_IX: np.ndarray) -> np.ndarray:
        """Sums of the parts over as many items as there are, drawn with replacement, float64 (S, X).

        Two items with the parts 1 and 5: each of the sums is 2, 6 or 10.
        """
        items = len(parts_IX)
        rng = np.random.default_rng(self.seed)
        chance_I = np.full(items, 1 / items)
        at_once = max(1, CELLS // items)
        drawn = []
        for first in range(0, self.resamples, at_once):
            often_SI = rng.multinomial(items, chance_I, min(at_once, self.resamples - first))
            drawn.append(often_SI.astype(float) @ np.asarray(parts_IX, float))
        return np.concatenate(drawn)


def estimate(value: float | None, values_S: np.ndarray, items: int) -> Estimate:
    """The figure with the percentiles of its resamples; NaN: not defined. One item says nothing of others."""
    if value is None or items < 2:
        return Estimate(value)
    defined_S = values_S[~np.isnan(values_S)]
    if not len(defined_S):
        return Estimate(value, None, 1.0)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined_S, [tail, 1 - tail])
    return Estimate(value, (float(low), float(high)), 1 - len(defined_S) / len(values_S))


def ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """over / under, NaN where that is not defined."""
    over, under = np.broadcast_arrays(np.asarray(over, float), np.asarray(under, float))
    result = np.full(over.shape, np.nan)
    np.divide(over, under, out=result, where=np.abs(under) > 1e-12)
    return result
