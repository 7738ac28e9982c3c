"""Agreement of many tables at once: what the bootstrap needs thousands of times, and no library offers.

Suffixes: S resamples, V levels, X sums. tables_SVV[s, v, w]: how often level v met level w. NaN: not defined.
"""

from __future__ import annotations

import numpy as np

from lamini.rating.summary.bootstrap import ratio


def equals(tables_SVV: np.ndarray) -> np.ndarray:
    """Share of pairs that are equal, float64 (S,)."""
    return ratio(np.trace(tables_SVV, axis1=1, axis2=2), tables_SVV.sum(axis=(1, 2)))


def alphas(met_SVV: np.ndarray, ordinal: bool) -> np.ndarray:
    """Krippendorff's alpha of S coincidence matrices, NaN where it is not defined, float64 (S,).

    The distance of two levels on an ordinal scale is that of their mean ranks, squared (Krippendorff 2011).
    """
    often_SV = met_SVV.sum(axis=2)
    if ordinal:
        rank_SV = np.cumsum(often_SV, axis=1) - often_SV / 2
        far_SVV = (rank_SV[:, :, None] - rank_SV[:, None, :]) ** 2
    else:
        far_SVV = np.broadcast_to(1 - np.eye(met_SVV.shape[1]), met_SVV.shape)
    observed_S = (met_SVV * far_SVV).sum(axis=(1, 2))
    expected_S = (often_SV[:, :, None] * often_SV[:, None, :] * far_SVV).sum(axis=(1, 2))
    return 1 - (often_SV.sum(axis=1) - 1) * ratio(observed_S, expected_S)


def kappas(tables_SVV: np.ndarray, weights: str) -> np.ndarray:
    """Cohen's kappa of S tables, NaN where it is not defined, float64 (S,).

    Disagreement that was seen, over what these two raters would have had by chance: 2 1 / 0 1 of 4 units is
    1/4 against 1/2, kappa 1/2.
    """
    levels = tables_SVV.shape[1]
    apart_VV = np.abs(np.arange(levels)[:, None] - np.arange(levels)).astype(float)
    far_VV = {"linear": apart_VV, "quadratic": apart_VV**2}.get(weights, (apart_VV > 0).astype(float))
    seen_S = (tables_SVV * far_VV).sum(axis=(1, 2))
    first_SV, second_SV = tables_SVV.sum(axis=2), tables_SVV.sum(axis=1)
    chance_S = np.einsum("sv,sw,vw->s", first_SV, second_SV, far_VV)
    return 1 - first_SV.sum(axis=1) * ratio(seen_S, chance_S)


def fleisses(sums_SX: np.ndarray, raters: int) -> np.ndarray:
    """Fleiss' kappa of S sums (units, equal ordered pairs, ratings by level), float64 (S,)."""
    share_SV = sums_SX[:, 2:] / sums_SX[:, 2:].sum(axis=1, keepdims=True)
    seen_S = sums_SX[:, 1] / (sums_SX[:, 0] * raters * (raters - 1))
    chance_S = (share_SV**2).sum(axis=1)
    return ratio(seen_S - chance_S, 1 - chance_S)
