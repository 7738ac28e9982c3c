"""Micro-batches keep to the budget and lose nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lamini.data.batches import micro_batches
from lamini.errors import UserError


def two_sides(prompt_N, response_N):
    return len(prompt_N) * int(prompt_N.max() + response_N.max())


def one_side(prompt_N, response_N):
    return len(prompt_N) * int((prompt_N + response_N).max())


lengths = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=50)


def test_worked_example():
    plan = micro_batches(np.array([3, 9, 3, 3]), np.array([1, 1, 1, 1]), 12, two_sides)
    assert sorted(sorted(part.tolist()) for part in plan) == [[0, 2, 3], [1]]


@settings(max_examples=80, deadline=None)
@example([(1, 1), (1, 1), (1, 3), (1, 4), (3, 1)], 10, 3, two_sides)  # 3 micro-batches, all within the budget
@example([(1, 1), (1, 1), (1, 8), (8, 1), (4, 4)], 10, 3, two_sides)  # 5 pairs cannot fill 6 micro-batches
@given(lengths, st.integers(10, 300), st.integers(1, 4), st.sampled_from([two_sides, one_side]))
def test_every_pair_once_within_the_budget_on_every_device(pairs, budget, devices, padded):
    prompt_N, response_N = np.array(pairs).T
    if len(pairs) < devices:
        with pytest.raises(UserError, match="cannot be shared"):
            micro_batches(prompt_N, response_N, budget, padded, devices)
        return
    plan = micro_batches(prompt_N, response_N, budget, padded, devices)
    assert sorted(np.concatenate(plan).tolist()) == list(range(len(pairs)))
    assert len(plan) % devices == 0
    over = [part for part in plan if padded(prompt_N[part], response_N[part]) > budget]
    joined = [part for part in over if len(part) > 1]
    alone = len(micro_batches(prompt_N, response_N, budget, padded))
    next_multiple = -(-alone // devices) * devices
    assert not joined or next_multiple > len(pairs)
    assert sum(len(part) - 1 for part in joined) < devices


def test_a_pair_above_the_budget_stands_alone():
    plan = micro_batches(np.array([100, 1, 1]), np.array([1, 1, 1]), 10, one_side)
    assert [part.tolist() for part in plan if 0 in part] == [[0]]


def test_single_pairs_are_joined_only_where_devices_would_be_uneven():
    """Five pairs above the budget on two devices: the two cheapest share, four are left."""
    prompt_N = np.array([50, 40, 30, 20, 10])
    plan = micro_batches(prompt_N, np.ones(5, int), 5, one_side, devices=2)
    assert sorted(sorted(part.tolist()) for part in plan) == [[0], [1], [2], [3, 4]]


def test_devices_run_neighbours_in_cost_at_the_same_time():
    rng = np.random.default_rng(0)
    prompt_N, response_N = rng.integers(1, 200, 256), rng.integers(1, 200, 256)
    plan = micro_batches(prompt_N, response_N, 2000, one_side, devices=2)
    cost = [one_side(prompt_N[part], response_N[part]) for part in plan]
    rounds = sorted(tuple(cost[i : i + 2]) for i in range(0, len(cost), 2))
    ascending = sorted(cost)
    assert rounds == [(ascending[i + 1], ascending[i]) for i in range(0, len(cost), 2)]


def test_order_is_shuffled_by_the_key_alone():
    prompt_N = np.arange(1, 65)

    def plan(key):
        parts = micro_batches(prompt_N, prompt_N, 300, one_side, key=key)
        return [part.tolist() for part in parts]

    assert plan((1, 2)) == plan((1, 2))
    assert plan((1, 2)) != plan((1, 3))
    assert sorted(plan((1, 2))) == sorted(plan((1, 3)))


@pytest.mark.parametrize("padded, most", [(one_side, 0.05), (two_sides, 0.25)])
def test_little_is_padding(padded, most):
    """Lengths as in the paper's mixture: means about 50 and 33, long tails."""
    rng = np.random.default_rng(0)
    prompt_N = np.minimum(rng.lognormal(3.5, 0.8, 1024).astype(int) + 1, 512)
    response_N = np.minimum(rng.lognormal(3.2, 0.9, 1024).astype(int) + 1, 512)
    plan = micro_batches(prompt_N, response_N, 2048, padded)
    cost = sum(padded(prompt_N[part], response_N[part]) for part in plan)
    assert 1 - (prompt_N + response_N).sum() / cost < most
