"""Counts and Wilson's interval."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.counting import counts, interval

Z = 1.959963984540054


@settings(deadline=None)
@given(st.integers(1, 2000), st.floats(0, 1))
def test_the_interval_is_wilsons(n: int, share: float) -> None:
    flagged = round(share * n)
    p, square = flagged / n, Z * Z / n
    middle, half = (p + square / 2) / (1 + square), Z * sqrt(p * (1 - p) / n + square / n / 4) / (1 + square)
    assert interval(flagged, n) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-9)


def test_what_has_no_verdict_is_no_part_of_a_rate() -> None:
    found = counts([Verdict(True, 0.9), Verdict(False, 0.1), None, Verdict(False, 0.2)])
    assert (found["n"], found["flagged"], found["unjudged"]) == (3, 1, 1)
    assert found["rate"] == pytest.approx(1 / 3) and found["mean_score"] == pytest.approx(0.4)
    assert found["low"] < found["rate"] < found["high"]


def test_nothing_judged_has_no_rate() -> None:
    found = counts([None])
    assert found["n"] == 0 and found["rate"] is found["low"] is found["mean_score"] is None
