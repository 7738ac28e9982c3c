"""Micro-batches keep to the budget and lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lamini.data.batches import bucketed, padded, plain
from lamini.errors import UserError


def two_sides(pairs):
    return np.array(pairs)


def one_side(pairs):
    return np.array(pairs).sum(axis=1, keepdims=True)


def pairs_of(rows):
    """The pairs of a micro-batch in which every row is a pair."""
    assert all(len(row) == 1 for row in rows)
    return sorted(int(row[0]) for row in rows)


lengths = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=50)


def test_padded_is_the_worked_example():
    sides_NK = np.array([[3, 1], [9, 1], [4, 2]])
    assert padded(sides_NK, [np.array([0, 2]), np.array([1])]) == 24
    assert padded(sides_NK, [np.array([i]) for i in range(3)]) == 33
    wide = [np.array([0, 2]), np.array([1])]
    assert padded(sides_NK, wide, lambda longest: -(-longest // 4) * 4) == 32


def test_worked_example():
    plan = bucketed(np.array([[3, 1], [9, 1], [3, 1], [3, 1]]), 12)
    assert sorted(map(pairs_of, plan)) == [[0, 2, 3], [1]]


def test_plain_keeps_the_sampler_s_order():
    """Costs 4, 8, 12 fit into 12 positions; the next pair, 9 long, begins anew."""
    plan = plain(np.array([[4], [3], [4], [9], [2], [1]]), 12)
    assert sorted(map(pairs_of, plan)) == [[0, 1, 2], [3], [4, 5]]


@pytest.mark.parametrize("planner", [bucketed, plain])
@settings(max_examples=80, deadline=None)
@example([(1, 1), (1, 1), (1, 3), (1, 4), (3, 1)], 10, 3, two_sides)  # 3 micro-batches, all within the budget
@example([(1, 1), (1, 1), (1, 8), (8, 1), (4, 4)], 10, 3, two_sides)  # 5 pairs cannot fill 6 micro-batches
@given(lengths, st.integers(10, 300), st.integers(1, 4), st.sampled_from([two_sides, one_side]))
def test_every_pair_once_within_the_budget_on_every_device(planner, pairs, budget, devices, sides):
    sides_NK = sides(pairs)
    if len(pairs) < devices:
        with pytest.raises(UserError, match="cannot be shared"):
            planner(sides_NK, budget, devices)
        return
    plan = planner(sides_NK, budget, devices)
    assert sorted(i for rows in plan for i in pairs_of(rows)) == list(range(len(pairs)))
    assert len(plan) % devices == 0
    joined = [rows for rows in plan if padded(sides_NK, rows) > budget and len(rows) > 1]
    alone = len(planner(sides_NK, budget))
    next_multiple = -(-alone // devices) * devices
    assert not joined or next_multiple > len(pairs)
    assert sum(len(rows) - 1 for rows in joined) < devices


def test_a_pair_above_the_budget_stands_alone():
    plan = bucketed(np.array([[100], [1], [1]]), 10)
    assert [pairs_of(rows) for rows in plan if 0 in pairs_of(rows)] == [[0]]


def test_single_pairs_are_joined_only_where_devices_would_be_uneven():
    """Five pairs above the budget on two devices: the two cheapest share, four are left."""
    plan = bucketed(np.array([[50], [40], [30], [20], [10]]), 5, devices=2)
    assert sorted(map(pairs_of, plan)) == [[0], [1], [2], [3, 4]]


def test_devices_run_neighbours_in_cost_at_the_same_time():
    sides_NK = np.random.default_rng(0).integers(1, 200, (256, 1))
    plan = bucketed(sides_NK, 2000, devices=2)
    cost = [padded(sides_NK, rows) for rows in plan]
    rounds = sorted(tuple(cost[i : i + 2]) for i in range(0, len(cost), 2))
    ascending = sorted(cost)
    assert rounds == [(ascending[i + 1], ascending[i]) for i in range(0, len(cost), 2)]


def test_order_is_shuffled_by_the_key_alone():
    sides_NK = np.arange(1, 65)[:, None]

    def plan(key):
        return [pairs_of(rows) for rows in bucketed(sides_NK, 300, key=key)]

    assert plan((1, 2)) == plan((1, 2))
    assert plan((1, 2)) != plan((1, 3))
    assert sorted(plan((1, 2))) == sorted(plan((1, 3)))


def lognormal(size=1024):
    """Lengths as in the paper's mixture: means about 50 and 33, long tails."""
    rng = np.random.default_rng(0)
    prompt_N = np.minimum(rng.lognormal(3.5, 0.8, size).astype(int) + 1, 512)
    response_N = np.minimum(rng.lognormal(3.2, 0.9, size).astype(int) + 1, 512)
    return np.stack([prompt_N, response_N], axis=1)


@pytest.mark.parametrize("sides, most", [(one_side, 0.05), (two_sides, 0.17)])
def test_little_is_padding(sides, most):
    sides_NK = sides(lognormal())
    plan = bucketed(sides_NK, 2048)
    assert 1 - sides_NK.sum() / sum(padded(sides_NK, rows) for rows in plan) < most
