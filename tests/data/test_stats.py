"""The plan's numbers come from lengths alone."""

from __future__ import annotations

import numpy as np
import pytest

from lamini.data.batching import Plain
from lamini.data.cache import encode_table
from lamini.data.order import Order
from lamini.data.records import Pair, table
from lamini.data.stats import mixture_stats, padding_share
from lamini.data.tokens import Tokens
from tests.data.toys import phrase, student


def joined(tmp_path):
    """Sources of 2 rows (3 + 2 response tokens, ends counted) and 1 row (5)."""
    first = table([Pair("w0", phrase(0, 1), "a"), Pair("w1 w2", "w0", "a")])
    second = table([Pair("w3", phrase(0, 1, 2, 3), "b")])
    toy = student()
    return Tokens.join([encode_table(toy, t, tmp_path) for t in (first, second)], [2, 1])


def test_tokens_of_an_epoch(tmp_path):
    """Weights 2 and 1: 2 * (3 + 2) + 5 = 15 response and 2 * (2 + 3) + 2 = 12 prompt tokens."""
    tokens = joined(tmp_path)
    stats = mixture_stats(tokens, [2, 1], Order(tokens.sizes, [2, 1], 0))
    assert (stats.pairs, stats.prompt_tokens, stats.response_tokens) == (5, 12, 15)
    assert (stats.mean_prompt, stats.mean_response) == (2.4, 3.0)


def test_padding_share_of_known_lengths(tmp_path):
    """Two pairs of 4 and 2 tokens in 2 * 4 padded ones: a quarter is padding."""
    pairs = table([Pair("w0", "w1", "a"), Pair("w0 w1", phrase(1, 2, 3, 4), "a")])
    tokens = encode_table(student(), pairs, tmp_path)
    order = Order([2], [1], 0)

    def one_side(prompt_N, response_N):
        return (prompt_N + response_N)[:, None]

    assert padding_share(order, tokens, 2, 1000, one_side, Plain(), range(2)) == pytest.approx(1 - 12 / 16)
    assert padding_share(order, tokens, 2, 1, one_side, Plain()) == 0.0
    assert np.sum(tokens.prompt_lengths_N + tokens.response_lengths_N) == 12
