"""Packed rows lose nothing, keep to every budget, and next to nothing of them is padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.data.batches import padded
from lamini.data.packing import packed
from lamini.errors import UserError
from tests.data.test_batches import lengths, lognormal, one_side, two_sides


def sizes(sides_NK, rows):
    return np.array([sides_NK[row].sum(axis=0) for row in rows])


def test_worked_example():
    lengths_N = np.array([9, 5, 4, 3, 3])

    def rows_of(padding):
        (rows,) = packed(lengths_N[:, None], 32, padding=padding)
        return sorted(sorted(lengths_N[row].tolist(), reverse=True) for row in rows)

    assert rows_of(0.03) == [[5, 4, 3], [9, 3]]
    assert rows_of(0.2) == [[4, 3], [5, 3], [9]]


@settings(max_examples=150, deadline=None)
@given(
    lengths, st.integers(120, 400), st.integers(1, 4), st.sampled_from([two_sides, one_side]), st.booleans()
)
def test_every_pair_once_within_every_budget(pairs, budget, devices, sides, limited):
    sides_NK = sides(pairs)
    widths = tuple(sides_NK.max(axis=0) + 7) if limited else None
    if len(pairs) < devices:
        with pytest.raises(UserError, match="cannot be shared"):
            packed(sides_NK, budget, devices, widths=widths)
        return
    plan = packed(sides_NK, budget, devices, widths=widths)
    found = sorted(np.concatenate([row for rows in plan for row in rows]).tolist())
    assert found == list(range(len(pairs)))
    assert len(plan) % devices == 0
    most = len(pairs) // devices * devices  # that many micro-batches there can be; with fewer all must fit
    if len(plan) < most:
        assert max(padded(sides_NK, rows) for rows in plan) <= budget
        if widths is not None:
            assert all((sizes(sides_NK, rows) <= widths).all() for rows in plan)


def test_rows_are_as_short_as_padding_allows():
    """Short rows cost little attention: with more padding allowed, a micro-batch has more of them."""
    sides_NK = one_side(lognormal(256))
    rows = [sum(map(len, packed(sides_NK, 4096, padding=share))) for share in (0.0, 0.03, 0.15)]
    assert rows[0] < rows[1] < rows[2]


@pytest.mark.parametrize("sides", [one_side, two_sides])
@pytest.mark.parametrize(("pairs", "budget"), [(16, 8192), (32, 2048), (1024, 2048), (1024, 8192)])
def test_at_most_three_in_a_hundred_positions_are_padding(sides, pairs, budget):
    sides_NK = sides(lognormal(pairs))
    plan = packed(sides_NK, budget)
    computed = [padded(sides_NK, rows) for rows in plan]
    assert max(computed) <= budget and 1 - sides_NK.sum() / sum(computed) <= 0.03


def test_devices_get_equally_much():
    sides_NK = two_sides(lognormal())
    plan = packed(sides_NK, 4096, devices=4)
    costs = np.array([padded(sides_NK, rows) for rows in plan]).reshape(-1, 4)
    assert (costs.max(axis=1) <= 1.05 * costs.min(axis=1)).all()


def test_row_mates_are_drawn_by_the_key():
    sides_NK = np.full((64, 1), 10)

    def plan(key):
        return sorted(sorted(row.tolist()) for rows in packed(sides_NK, 128, key=key) for row in rows)

    assert plan((1, 2)) == plan((1, 2)) != plan((1, 3))


def test_too_few_pairs_for_the_devices_exceed_the_budget_rather_than_hang():
    plan = packed(np.array([[50], [40], [30], [20], [10]]), 60, devices=2)
    assert len(plan) == 4
    three = packed(np.array([[50], [40], [30]]), 60, devices=2)
    assert len(three) == 2 and max(padded(np.array([[50], [40], [30]]), rows) for rows in three) == 70
