"""Preferences: wins by hand, and Bradley-Terry beside scikit-learn's logistic regression."""

from __future__ import annotations

import numpy as np
import pytest

from lamini.rating.summary.collected import levels_of
from lamini.rating.summary.winning import preferences, rates, strengths
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, given

T5, GPT2, TEACHER = small.OWNERS


def test_two_owners_by_hand() -> None:
    log_SO = strengths(np.array([[[0.0, 3.0], [1.0, 0.0]]]), prior=0.0)
    assert log_SO[0] == pytest.approx([np.log(3) / 2, -np.log(3) / 2], abs=1e-5)
    assert rates(np.array([[[0.0, 3.0], [1.0, 0.0]]]))[0].tolist() == [0.75, 0.25]


def test_many_owners_as_a_logistic_regression_has_them() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    strength, owners = np.array([1.0, 0.3, -0.2, -1.1]), 4
    won_OO, rows, won = np.zeros((owners, owners)), [], []
    for _ in range(600):
        one, other = rng.choice(owners, 2, replace=False)
        first = rng.random() < 1 / (1 + np.exp(strength[other] - strength[one]))
        won_OO[(one, other) if first else (other, one)] += 1
        rows.append(np.eye(owners)[one] - np.eye(owners)[other])
        won.append(int(first))
    fit = linear_model.LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10).fit(np.array(rows), won)
    theirs = fit.coef_[0] - fit.coef_[0].mean()
    assert strengths(won_OO[None], prior=0.0)[0] == pytest.approx(theirs, abs=1e-3)


def test_ratings_become_wins() -> None:
    """Of an item, the first pair is T5 against GPT-2, then T5 and GPT-2 against the teacher."""
    study = small.study("preference", items=2)
    found = preferences(study, levels_of(given(study, {"ann": "122T22", "bo": "1-----"})), BOOTSTRAP)
    assert found is not None
    rows = {row.owner: (row.won, row.tied, row.lost) for row in found.owners}
    assert rows == {T5: (1.0, 1.0, 2.0), GPT2: (0.0, 1.0, 3.0), TEACHER: (4.0, 0.0, 0.0)}
    assert [row.owner for row in found.owners] == [TEACHER, T5, GPT2]
    assert found.owners[0].rate.value == 1.0
    assert sum(row.strength.value or 0 for row in found.owners) == pytest.approx(0)
    assert [(one.first, one.second, one.won, one.tied, one.lost) for one in found.pairs] == [
        (T5, GPT2, 1.0, 1.0, 0.0), (T5, TEACHER, 0.0, 0.0, 2.0), (GPT2, TEACHER, 0.0, 0.0, 2.0),
    ]  # fmt: skip
    assert (found.first, found.decided) == (pytest.approx(2 / 6), 6)


def test_two_raters_of_a_comparison_share_it() -> None:
    study = small.study("preference", items=1)
    found = preferences(study, levels_of(given(study, {"ann": "1", "bo": "T"})), BOOTSTRAP)
    assert found is not None
    assert [(row.owner, row.rated, row.won, row.tied, row.lost) for row in found.owners] == [
        (T5, 1.0, 0.5, 0.5, 0.0), (GPT2, 1.0, 0.0, 0.5, 0.5),
    ]  # fmt: skip


def test_who_always_won_has_a_strength_and_an_interval() -> None:
    study = small.study("preference", items=6)
    found = preferences(study, levels_of(given(study, {"ann": "122" * 6})), BOOTSTRAP)
    assert found is not None
    for row in found.owners:
        assert row.strength.value is not None and np.isfinite(row.strength.value)
        assert row.strength.interval is not None and np.isfinite(row.strength.interval).all()


def test_nothing_rated_is_no_preference() -> None:
    study = small.study("preference", items=2)
    assert preferences(study, {}, BOOTSTRAP) is None
