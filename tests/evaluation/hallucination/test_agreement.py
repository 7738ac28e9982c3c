"""Agreement of two judges: scikit-learn's kappa, intervals that hold it, and what is not defined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from lamini.evaluation.hallucination.agreement import _cells, _scores, agreement
from lamini.evaluation.hallucination.verdicts import VERDICTS

R, H = VERDICTS
VERDICT = st.sampled_from(VERDICTS)


def test_a_table_by_hand() -> None:
    """Both H twice, the first alone once, both R once: 3/4 agree, 1/2 would by chance."""
    found = agreement([H, H, H, R], [H, H, R, R], seed=0)
    assert (found.n, found.share, found.kappa) == (4, 0.75, pytest.approx(0.5))
    assert found.cells == {"both_hallucinated": 2, "first_only": 1, "second_only": 0, "both_rejected": 1}
    assert found.undefined == pytest.approx((1 / 2) ** 4 + (1 / 4) ** 4, abs=0.01)  # all in one diagonal cell


@given(st.lists(st.tuples(VERDICT, VERDICT), min_size=1, max_size=60))
def test_the_formula_of_the_resamples_is_scikit_learn_s(pairs: list[tuple[str, str]]) -> None:
    share, kappa = (values[0] for values in _scores(_cells(pairs)[None]))
    first, second = zip(*pairs, strict=True)
    assert share == pytest.approx(np.mean([a == b for a, b in pairs]))
    if len({*first, *second}) == 1:
        assert np.isnan(kappa)
    else:
        assert kappa == pytest.approx(cohen_kappa_score(first, second))


@given(st.lists(st.tuples(VERDICT, VERDICT), min_size=2, max_size=40), st.integers(0, 5))
def test_intervals_hold_the_value_and_hang_on_the_seed_alone(pairs: list[tuple[str, str]], seed: int) -> None:
    first, second = zip(*pairs, strict=True)
    found = agreement(first, second, seed)
    assert found == agreement(first, second, seed)
    assert found.share_interval is not None and found.share is not None
    assert found.share_interval[0] - 1e-9 <= found.share <= found.share_interval[1] + 1e-9
    assert agreement(second, first, seed).kappa == pytest.approx(found.kappa)


def test_the_interval_narrows_as_a_bootstrap_over_answers_does() -> None:
    pairs = [(H, H)] * 25 + [(H, R)] * 4 + [(R, H)] * 3 + [(R, R)] * 8
    first, second = zip(*pairs, strict=True)
    rng = np.random.default_rng(1)
    drawn = [
        cohen_kappa_score(*zip(*(pairs[i] for i in rng.integers(0, 40, 40)), strict=True)) for _ in range(400)
    ]
    found = agreement(first, second, seed=0)
    assert found.kappa_interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.08)
    wide = found.kappa_interval[1] - found.kappa_interval[0]
    many = agreement(first * 9, second * 9, seed=0).kappa_interval
    assert many is not None and many[1] - many[0] == pytest.approx(wide / 3, rel=0.2)


def test_answers_without_a_verdict_are_left_out() -> None:
    found = agreement([H, None, R], [H, H, None], seed=0)
    assert (found.n, found.share, found.kappa, found.kappa_interval) == (1, 1.0, None, None)


def test_kappa_is_not_defined_where_all_verdicts_are_the_same() -> None:
    found = agreement([H] * 40, [H] * 40, seed=0)
    assert (found.share, found.kappa, found.undefined) == (1.0, None, 1.0)
    nothing = agreement([None], [H], seed=0)
    assert (nothing.n, nothing.share, nothing.kappa) == (0, None, None)
