"""The choices of batching, what `auto` takes, and budgets that cannot hold a pair."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lamini.data.batching import Auto, Bucketed, Packed, Plain
from lamini.errors import UserError


def test_auto_says_what_it_takes_and_why():
    auto = Auto(padding=0.02)
    assert auto.choose(None, 0.125, True) == (
        Packed(None, 0.02),
        "batching: packed (bucketed would have 12.5 % padding)",
    )
    assert auto.choose(None, 0.01, True) == (Bucketed(), "batching: bucketed, which has 1.0 % padding only")
    assert auto.choose("it has no mask", 0.125, True) == (
        Bucketed(),
        "batching: bucketed (12.5 % padding), since it has no mask",
    )
    assert auto.choose(None, 0.125, False)[0] == Bucketed()


@pytest.mark.parametrize(
    ("batching", "message"),
    [
        (Packed(None, 0.03), "size.micro_tokens=50 is less than the longest pair of 60 positions"),
        (Packed([40], 0.03), "batching.budgets=[40] must be [source,target] for this student"),
        (Packed([40, 20], 0.03), "batching.budgets=[40, 20] is less than the longest pair; use"
         " batching.budgets=[40, 30] or more"),
    ],
)  # fmt: skip
def test_budgets_below_the_longest_pair_are_refused(batching, message):
    budget = 50 if batching.budgets is None else 100
    with pytest.raises(UserError, match=re.escape(message)):
        batching.check(np.array([40, 30]), 60, budget)


def test_budgets_that_hold_it_pass_and_others_need_none():
    Packed([40, 30], 0.03).check(np.array([40, 30]), 60, 100)
    for batching in (Bucketed(), Plain()):
        batching.check(np.array([40, 30]), 60, 1)


@pytest.mark.parametrize("batching", [Packed([40, 30], 0.03), Bucketed(), Plain()])
def test_every_choice_plans_every_pair(batching):
    sides_NK = np.array([[40, 30], [4, 3], [9, 8], [20, 11]])
    plan = batching.plan(sides_NK, 100, 1, (0, 0))
    assert sorted(np.concatenate([row for rows in plan for row in rows]).tolist()) == [0, 1, 2, 3]
