"""Owners in pairs: the same people on the same items, scipy's test, McNemar's where there are two levels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, wilcoxon

from lamini.rating.study import Item, Study, Target, sealed
from lamini.rating.summary.comparing import Compared, compared, p_value
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, given


def pages(levels: dict[str, str], scale: str = "quality") -> tuple[Study, dict[str, str]]:
    """A study in which ann rated each owner's texts so, and her word."""
    count = len(next(iter(levels.values())))
    items = [
        Item("", str(n), "", f"Do {n}", tuple(Target("", "response", (f"{o} {n}",), (o,)) for o in levels))
        for n in range(count)
    ]
    chosen = small.QUALITY if scale == "quality" else small.REJECTION
    word = "".join(levels[owner][n] for n in range(count) for owner in levels)
    return sealed("responses" if scale == "quality" else "hallucination", chosen, items), {"ann": word}


def pairs(levels: dict[str, str], scale: str = "quality") -> dict[tuple[str, str], Compared]:
    study, people = pages(levels, scale)
    found = compared(study, given(study, people), list(levels), BOOTSTRAP)
    return {(one.first, one.second): one for one in found}


def test_three_owners_against_scipy() -> None:
    rng = np.random.default_rng(0)
    levels = {name: "".join(rng.choice(list("ABCD"), 40, p=p)) for name, p in (
        ("good", [0.6, 0.2, 0.1, 0.1]), ("fair", [0.3, 0.3, 0.2, 0.2]), ("poor", [0.05, 0.15, 0.3, 0.5]),
    )}  # fmt: skip
    found = pairs(levels)
    assert list(found) == [("good", "fair"), ("good", "poor"), ("fair", "poor")]
    number = {name: np.array(["DCBA".index(letter) for letter in word]) for name, word in levels.items()}
    for (first, second), one in found.items():
        difference = number[second] - number[first]
        assert one.difference.value == pytest.approx(difference.mean()) and one.items == 40
        assert (one.better, one.alike, one.worse) == (
            (difference > 0).sum(), (difference == 0).sum(), (difference < 0).sum(),
        )  # fmt: skip
        assert one.p == pytest.approx(wilcoxon(difference, zero_method="pratt").pvalue)
        low, high = one.difference.interval or (0, 0)
        assert low < one.difference.value < high
    smallest = min(found.values(), key=lambda one: one.p)
    assert smallest.holm == pytest.approx(min(1.0, 3 * smallest.p))


def test_two_levels_are_tested_exactly() -> None:
    found = pairs({"x": "RRRRRRHHHH", "y": "HHHHRRHHHR"}, "hallucination")["x", "y"]
    assert (found.better, found.alike, found.worse) == (1, 5, 4)
    assert found.difference.value == pytest.approx(-0.3) and found.p == binomtest(1, 5).pvalue


def test_no_difference_is_no_evidence() -> None:
    found = pairs({"x": "ABCD", "y": "ABCD"})["x", "y"]
    assert (found.alike, found.p, found.holm) == (4, 1.0, 1.0)
    assert p_value(np.zeros(3), 4, 0) == 1.0


def test_a_few_items_are_tested_by_all_their_permutations() -> None:
    """Six differences of one sign: 2 of 64 signs are as far out."""
    assert p_value(np.array([1.0, 1, 1, 2, 1, 3]), 4, 0) == pytest.approx(2 / 64)


def test_a_rater_s_mildness_does_not_enter() -> None:
    """bo is harder than ann and rated x alone on one item: only what one person rated both of is compared."""
    study, _ = pages({"x": "AA", "y": "BB"})
    people = {"ann": "ABAB", "bo": "D---"}
    (found,) = compared(study, given(study, people), ["x", "y"], BOOTSTRAP)
    assert (found.difference.value, found.items) == (-1.0, 2)


def test_two_raters_of_an_item_are_one_difference() -> None:
    study, _ = pages({"x": "AA", "y": "BB"})
    (found,) = compared(study, given(study, {"ann": "ABAB", "bo": "AD--"}), ["x", "y"], BOOTSTRAP)
    assert found.difference.value == pytest.approx((-(1 + 3) / 2 - 1) / 2)


def test_owners_without_a_common_item_are_not_compared() -> None:
    study = small.study("pairs", items=6)
    assert compared(study, given(study, {"ann": "AB" * 6}), list(small.SOURCES), BOOTSTRAP) == []
