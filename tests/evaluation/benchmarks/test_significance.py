"""Paired tests: against scipy's, against what holds under chance, and Holm's correction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from lamini.evaluation.benchmarks.significance import compare, holm, paired, paired_mean


def test_mcnemar_asks_about_the_rows_that_differ() -> None:
    first = np.array([1] * 8 + [0] * 12)
    second = np.array([1] * 6 + [0] * 2 + [1] * 9 + [0] * 3)
    found = paired(first, second, 0)
    assert found.value == pytest.approx(7 / 20) and found.n == 20
    assert found.p == pytest.approx(binomtest(9, 11).pvalue)
    assert paired(first, first, 0).p == 1.0


def test_other_outcomes_are_permuted_as_scipy_does() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice([0, 0.5, 0.8, 1.0], 60)
    second = np.clip(first + rng.choice([-0.3, 0, 0, 0.4], 60), 0, 1)
    found = paired(first, second, 1)
    theirs = permutation_test(
        (second - first,), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=9_999,
        vectorized=True, rng=np.random.default_rng(2),
    )  # fmt: skip
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)


def test_chance_alone_is_significant_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        pairs = [rng.integers(0, 2, (2, 50)).astype(float) for _ in range(3)]
        found.append(paired_mean([p[0] for p in pairs], [p[1] for p in pairs], 0).p < 0.05)
    assert 0.02 < np.mean(found) < 0.08


def test_a_real_difference_over_many_tasks_is_found_where_no_task_shows_it_alone() -> None:
    rng = np.random.default_rng(4)
    first = [(rng.random(200) < 0.5).astype(float) for _ in range(15)]
    second = [np.where(rng.random(200) < 0.05, 1.0, one) for one in first]
    comparison = compare(
        {
            "a": {f"t{n}": one for n, one in enumerate(first)},
            "b": {f"t{n}": one for n, one in enumerate(second)},
        },
        0,
    )[0]
    assert comparison.mean.value > 0 and comparison.mean.p < 0.001
    assert comparison.mean.stderr == pytest.approx(
        np.sqrt(sum(one.stderr**2 for one in comparison.columns.values())) / 15
    )


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order_and_is_never_kinder(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values)
    assert all(np.diff(np.array(adjusted)[order]) >= 0)


def test_pairs_are_compared_on_common_columns_only() -> None:
    zeros, ones = np.zeros(30), np.ones(30)
    found = compare({"a": {"x": zeros, "y": ones}, "b": {"x": ones}, "c": {"z": ones}}, 0)
    assert [(one.first, one.second) for one in found] == [("a", "b")]
    assert list(found[0].columns) == ["x"] and found[0].columns["x"].value == 1.0
