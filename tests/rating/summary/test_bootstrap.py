"""Resamples of items: what they can be, what they hang on, and scipy's interval beside ours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lamini.rating.summary import bootstrap
from lamini.rating.summary.bootstrap import Bootstrap, Estimate, estimate, ratio


def test_a_resample_draws_as_many_items_as_there_are() -> None:
    sums_SX = Bootstrap(0, 500).sums(np.array([[1.0, 10.0], [5.0, 10.0]]))
    assert set(sums_SX[:, 0]) == {2.0, 6.0, 10.0} and set(sums_SX[:, 1]) == {20.0}
    assert np.mean(sums_SX[:, 0] == 6.0) == pytest.approx(0.5, abs=0.07)


def test_they_hang_on_the_seed_alone_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    parts_IX = np.random.default_rng(0).random((9, 2))
    once = Bootstrap(3, 40).sums(parts_IX)
    assert np.array_equal(once, Bootstrap(3, 40).sums(parts_IX))
    assert not np.array_equal(once, Bootstrap(4, 40).sums(parts_IX))
    monkeypatch.setattr(bootstrap, "CELLS", 70)  # 7 draws at once
    assert np.allclose(once, Bootstrap(3, 40).sums(parts_IX)) and len(once) == 40


def test_the_interval_of_a_mean_is_scipy_s() -> None:
    values = np.random.default_rng(1).integers(0, 4, 80).astype(float)
    sums_SX = Bootstrap(2, 10_000).sums(np.column_stack([values, np.ones(80)]))
    ours = estimate(float(values.mean()), sums_SX[:, 0] / sums_SX[:, 1], 80)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(3)
    ).confidence_interval
    assert ours.interval == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_what_is_not_defined_is_left_out_and_told() -> None:
    found = estimate(0.5, np.array([0.5, np.nan, 0.5, np.nan]), 4)
    assert found == Estimate(0.5, (0.5, 0.5), 0.5)
    assert estimate(0.5, np.array([np.nan]), 4) == Estimate(0.5, None, 1.0)
    assert estimate(0.5, np.array([0.4, 0.6]), 1) == Estimate(0.5)  # one item says nothing of others
    assert estimate(None, np.array([0.4]), 4) == Estimate(None)
    assert np.isnan(ratio(np.array([1.0]), np.array([0.0]))).all()
