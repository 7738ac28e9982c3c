"""What a mixture costs, from token lengths alone: the numbers of the plan that is printed first.

Nothing is collated and no model is needed; padding is measured on a few steps of the real order.

Suffixes: N rows, B pairs of a step, M pairs of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lamini.data.batches import padded
from lamini.data.batching import Batching
from lamini.data.order import Order
from lamini.data.tokens import Tokens

Sides = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(prompt lengths, response lengths) -> positions of each pair on each side (N, K)."""


@dataclass(frozen=True)
class MixtureStats:
    """Sizes of one epoch; tokens are counted in the student's own tokenizer, end token included."""

    pairs: int
    prompt_tokens: int
    response_tokens: int
    mean_prompt: float
    mean_response: float


def mixture_stats(tokens: Tokens, weights: Sequence[float], order: Order) -> MixtureStats:
    """Sizes of one epoch of `order` over the sources joined in `tokens`.

    Sources of 2 rows (3 + 1 tokens of response) and 1 row (5), weights 2 and 1: 5 pairs with
    2 * 4 + 5 = 13 response tokens. Exact for whole weights, the mean over epochs for others.
    """
    weight_N = np.repeat(np.asarray(weights, dtype=np.float64), tokens.sizes)
    prompt = float(weight_N @ tokens.prompt_lengths_N)
    response = float(weight_N @ tokens.response_lengths_N)
    pairs = max(float(weight_N.sum()), 1e-9)
    return MixtureStats(
        pairs=order.pairs_per_epoch,
        prompt_tokens=round(prompt),
        response_tokens=round(response),
        mean_prompt=prompt / pairs,
        mean_response=response / pairs,
    )


def padding_share(
    order: Order,
    tokens: Tokens,
    batch_size: int,
    budget: int,
    sides: Sides,
    batching: Batching,
    steps: Sequence[int] = (0, 1, 2),
) -> float:
    """Share of padding among the positions that these steps compute, in [0, 1).

    Two pairs of 4 and 2 positions in one micro-batch of 2 * 4 = 8: 2 / 8 = 0.25.
    """
    real = cost = 0
    for step in steps:
        rows_B = order.rows(step, batch_size)
        sides_BK = sides(tokens.prompt_lengths_N[rows_B], tokens.response_lengths_N[rows_B])
        plan = batching.plan(sides_BK, budget, 1, (0, step))
        cost += sum(padded(sides_BK, rows) for rows in plan)
        real += int(sides_BK.sum())
    return 1 - real / cost
