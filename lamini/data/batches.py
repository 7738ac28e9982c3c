"""How the pairs of one optimizer step are cut into micro-batches that memory holds.

The step's pairs are given and stay together; sorting by length inside them wastes little padding
and biases nothing, because the loss is summed over the whole step before it is divided. Which sort
pads least depends on the student (one sequence, or prompt and response apart), so three are tried.

Suffixes: N pairs of the step, M pairs of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from lamini.errors import UserError

Padded = Callable[[np.ndarray, np.ndarray], int]
"""(prompt lengths, response lengths) of a micro-batch -> padded tokens it costs."""


def micro_batches(
    prompt_N: np.ndarray,
    response_N: np.ndarray,
    budget: int,
    padded: Padded,
    devices: int = 1,
    key: tuple[int, int] = (0, 0),
) -> list[np.ndarray]:
    """Micro-batches as arrays of positions (M,), every position once.

    Each costs at most `budget` padded tokens, but for a pair that alone costs more and stands
    alone. Their number is a multiple of `devices`; device d takes [d::devices], and those that run
    at the same time are neighbours in cost. Only where a step has too few pairs for the next
    multiple are fewer than `devices` micro-batches joined beyond the budget: 5 pairs that need 4
    micro-batches on 3 devices can have 3, not 6. The order is shuffled by `key` = (seed, step).

    Prompt lengths 3, 9, 3, 3 and response lengths 1, 1, 1, 1 at M * (longest p + longest r) and
    budget 12: pair 1 costs 10 and no other fits beside it, the rest costs 3 * (3 + 1) = 12. So the
    micro-batches hold {1} and {0, 2, 3}.

    Raises:
        UserError: fewer pairs than devices.
    """
    if len(prompt_N) < devices:
        raise UserError(
            f"{len(prompt_N)} pairs cannot be shared by {devices} devices; raise batch_size or"
            " lower trainer.devices"
        )
    total_N = prompt_N + response_N
    orders = (
        np.lexsort((prompt_N, total_N)),
        np.lexsort((prompt_N, np.maximum(prompt_N, response_N))),
        np.lexsort((response_N, prompt_N // 16)),
    )

    def cost(positions_M: np.ndarray) -> int:
        return padded(prompt_N[positions_M], response_N[positions_M])

    plans = [_cut(order_N[::-1], budget, cost) for order_N in orders]
    plan = min(plans, key=lambda plan: sum(map(cost, plan)))
    return _shuffled(_divisible(plan, devices, cost), devices, cost, key)


def _cut(order_N: np.ndarray, budget: int, cost: Callable[[np.ndarray], int]) -> list[np.ndarray]:
    """Runs of the order, each as long as the budget allows.

    The cost never falls when a pair is added, so the length is found by doubling and halving.
    """
    plan, begin = [], 0
    while begin < len(order_N):
        fits, step = 1, 1
        while begin + fits + step <= len(order_N):
            if cost(order_N[begin : begin + fits + step]) > budget:
                break
            fits += step
            step *= 2
        while step := step // 2:
            end = begin + fits + step
            if end <= len(order_N) and cost(order_N[begin:end]) <= budget:
                fits += step
        plan.append(order_N[begin : begin + fits])
        begin += fits
    return plan


def _divisible(plan: list[np.ndarray], devices: int, cost: Callable[[np.ndarray], int]) -> list[np.ndarray]:
    """Split the dearest micro-batches until the devices share them evenly.

    Where all are single pairs before they do, those neighbours in cost are joined instead that are
    cheapest together: one device without work would wait for ever, a budget is exceeded by little.
    """
    plan = list(plan)
    while len(plan) % devices and any(len(part) > 1 for part in plan):
        splittable = [i for i, part in enumerate(plan) if len(part) > 1]
        part = plan.pop(max(splittable, key=lambda i: cost(plan[i])))
        plan += [part[: len(part) // 2], part[len(part) // 2 :]]
    for _ in range(len(plan) % devices):
        plan.sort(key=cost, reverse=True)
        joined = [np.concatenate(pair) for pair in pairwise(plan)]
        least = min(range(len(joined)), key=lambda i: cost(joined[i]))
        plan[least : least + 2] = [joined[least]]
    return plan


def _shuffled(
    plan: list[np.ndarray],
    devices: int,
    cost: Callable[[np.ndarray], int],
    key: tuple[int, int],
) -> list[np.ndarray]:
    """Rounds of `devices` similar micro-batches, the rounds in random order."""
    plan = sorted(plan, key=cost, reverse=True)
    rounds = len(plan) // devices
    raw = np.random.Philox(np.random.SeedSequence(list(key))).random_raw(rounds)
    return [plan[int(r) * devices + d] for r in np.argsort(raw, kind="stable") for d in range(devices)]
