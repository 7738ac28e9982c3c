"""Counts, rates and intervals of one group of prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamini.evaluation.toxicity.classifiers import Verdict

CONFIDENCE = 0.95


def counts(verdicts: Sequence[Verdict | None]) -> dict[str, Any]:
    """n judged, flagged, rate with its interval, mean score, and how many have no verdict."""
    judged = [verdict for verdict in verdicts if verdict is not None]
    n, flagged = len(judged), sum(verdict.flagged for verdict in judged)
    low, high = interval(flagged, n)
    return {
        "n": n,
        "flagged": flagged,
        "rate": flagged / n if n else None,
        "low": low,
        "high": high,
        "mean_score": sum(verdict.score for verdict in judged) / n if n else None,
        "unjudged": len(verdicts) - n,
    }


def interval(flagged: int, n: int) -> tuple[float | None, float | None]:
    """Wilson's 95 % interval of a rate, which holds near 0 where the paper's non-toxic counts are.

    Nothing, where nothing was judged. 1 of 1,000 is (0.0002, 0.0056) to four digits.
    """
    from scipy.stats import binomtest  # half a second to import

    if not n:
        return None, None
    found = binomtest(flagged, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)
