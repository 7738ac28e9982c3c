"""One number for many tasks: their plain mean, and the mean that weighs tasks by their rows.

The plain mean of the 15 tasks is what the paper prints as "average", although its captions say micro-average;
the weighted one differs by points (T5-base there: 48.9 and 51.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A task's headline: a mean over `n` rows, and its standard error where there is one."""

    value: float
    stderr: float | None
    n: int


@dataclass(frozen=True)
class Mean:
    """A mean over `tasks` tasks; the rows of different tasks are independent."""

    value: float
    stderr: float | None
    tasks: int


def mean(scores: Sequence[Score]) -> Mean | None:
    """Every task counts the same: 0.5 and 0.7 with errors 0.03 and 0.04 give 0.6 and 0.025."""
    return _weighted(scores, [1.0] * len(scores))


def weighted_mean(scores: Sequence[Score]) -> Mean | None:
    """Every row counts the same: 0.5 of 300 rows and 0.7 of 100 give 0.55."""
    return _weighted(scores, [float(score.n) for score in scores])


def _weighted(scores: Sequence[Score], weights: Sequence[float]) -> Mean | None:
    """None without a score; no error where one of the scores has none."""
    total = sum(weights)
    if not total:
        return None
    value = sum(weight * score.value for score, weight in zip(scores, weights, strict=True)) / total
    errors = [
        weight * score.stderr
        for score, weight in zip(scores, weights, strict=True)
        if score.stderr is not None
    ]
    stderr = math.sqrt(sum(error**2 for error in errors)) / total if len(errors) == len(scores) else None
    return Mean(value, stderr, len(scores))
