"""The order of pairs is a pure function of seed and step."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.data.order import Order
from lamini.errors import UserError

mixtures = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=4).filter(
    lambda mixture: any(size * weight for size, weight in mixture)
)


def test_worked_example():
    order = Order([3, 4], [1.0, 0.5], seed=7)
    assert order.pairs_per_epoch == 5
    steps = [order.rows(step, 4).tolist() for step in range(3)]
    assert steps == [[6, 4, 2, 1], [0, 3, 0, 1], [5, 2, 1, 6]]


@settings(max_examples=40, deadline=None)
@given(mixtures, st.integers(0, 2**32), st.integers(1, 17))
def test_every_epoch_passes_over_every_row_its_weight(mixture, seed, batch_size):
    sizes, weights = zip(*mixture, strict=True)
    order = Order(sizes, weights, seed)
    expected = Counter()
    first = 0
    for size, weight in mixture:
        expected.update({row: weight for row in range(first, first + size) if weight})
        first += size
    epochs = 3
    steps = -(-epochs * order.pairs_per_epoch // batch_size)
    stream = np.concatenate([order.rows(step, batch_size) for step in range(steps)])
    for epoch in range(epochs):
        part = stream[epoch * order.pairs_per_epoch : (epoch + 1) * order.pairs_per_epoch]
        assert Counter(part.tolist()) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100), st.lists(st.integers(0, 30), min_size=1, max_size=10))
def test_steps_do_not_depend_on_what_was_asked_before(seed, asked):
    def fresh():
        return Order([7, 5], [1.0, 1.4], seed)

    order = fresh()
    for step in asked:
        assert order.rows(step, 4).tolist() == fresh().rows(step, 4).tolist()


def test_fractions_move_on_until_all_rows_were_seen():
    order = Order([10], [1.3], seed=1)
    assert order.pairs_per_epoch == 13
    extra = [Counter(order.epoch(epoch).tolist()) - Counter(range(10)) for epoch in range(10)]
    assert all(len(subset) == 3 for subset in extra)
    assert extra[0] != extra[1]
    assert sum(extra, Counter()) == Counter(dict.fromkeys(range(10), 3))
    assert Order([3], [0.01], seed=0).pairs_per_epoch == 1


def test_seeds_and_epochs_differ():
    order = Order([100], [1.0], seed=1)
    assert order.epoch(0).tolist() != order.epoch(1).tolist()
    assert order.epoch(0).tolist() != Order([100], [1.0], seed=2).epoch(0).tolist()


def test_steps_of_a_run():
    """5 pairs an epoch in batches of 4: 3 epochs are 15 pairs, 4 steps."""
    order = Order([3, 4], [1.0, 0.5], seed=7)
    assert order.steps(3, 4) == 4
    assert order.steps(0.8, 4) == 1
    assert order.steps(0.01, 4) == 1


@pytest.mark.parametrize("sizes, weights", [([3], [0.0]), ([0], [1.0]), ([3], [-1.0])])
def test_nothing_to_train_on(sizes, weights):
    with pytest.raises(UserError, match="data.sources"):
        Order(sizes, weights, seed=0)
