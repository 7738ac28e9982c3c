"""How the pairs of one optimizer step are cut into micro-batches that memory holds: a row a pair.

The step's pairs are given and stay together; sorting by length inside them wastes little padding
and biases nothing, because the loss is summed over the whole step before it is divided. Which sort
pads least depends on the data and the student (one sequence, or prompt and response apart), so
three are tried. Rows of several pairs are made in lamini/data/packing.py.

Suffixes: N pairs of the step, K sides of a pair (lamini/students: sides), M pairs of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from lamini.errors import UserError

MicroBatch = list[np.ndarray]
"""Rows of a micro-batch, each the positions of the pairs that it holds, one after another."""

Cost = Callable[[np.ndarray], int]

# What a micro-batch costs besides its tokens, in tokens: launches, and adding its gradient to the others.
START = 64


def padded(sides_NK: np.ndarray, rows: MicroBatch, width: Callable[[int], int] = int) -> int:
    """Positions computed for a micro-batch: its rows times the longest of them, on each side.

    Pairs of sides (3, 1), (9, 1), (4, 2): rows [0, 2] and [1] are (7, 3) and (9, 1) long, so 2 * (9 + 3)
    = 24 positions are computed for 20 real ones; in three rows of a pair it is 3 * (9 + 2) = 33. `width`
    says how wide rows become: with multiples of 4 the two rows are (12, 4) wide, 2 * 16 = 32 positions.
    """
    loads = np.array([sides_NK[row].sum(axis=0) for row in rows])
    return len(rows) * sum(width(longest) for longest in loads.max(axis=0).tolist())


def bucketed(
    sides_NK: np.ndarray, budget: int, devices: int = 1, key: tuple[int, int] = (0, 0)
) -> list[MicroBatch]:
    """Micro-batches of pairs of similar length, every pair once.

    Each costs at most `budget` padded positions, but for a pair that alone costs more and stands
    alone; smaller ones are made where that saves more padding than it costs. Their number is a
    multiple of `devices`; device d takes [d::devices], and those that run at the same time are
    neighbours in cost. Only where a step has too few pairs for the next multiple are fewer than
    `devices` micro-batches joined beyond the budget: 5 pairs that need 4 micro-batches on 3 devices
    can have 3, not 6. The order is shuffled by `key` = (seed, step).

    Sides (3, 1), (9, 1), (3, 1), (3, 1) and budget 12: pair 1 costs 10 and no other fits beside it,
    the rest costs 3 * (3 + 1) = 12. So the micro-batches hold {1} and {0, 2, 3}.

    Raises:
        UserError: fewer pairs than devices.
    """
    check_shares(len(sides_NK), devices)
    total_N, first_N = sides_NK.sum(axis=1), sides_NK[:, 0]
    orders = (np.lexsort((first_N, total_N)), _snake(sides_NK, 8), _snake(sides_NK, 16))
    cost = _cost(sides_NK)
    sizes = {budget >> halvings for halvings in range(4)}
    plans = [_cut(order_N[::-1], size, cost) for order_N in orders for size in sorted(sizes, reverse=True)]
    plan = min(plans, key=lambda plan: sum(map(cost, plan)) + START * len(plan))
    return _rows(_shuffled(_divisible(plan, devices, cost), devices, cost, key))


def _snake(sides_NK: np.ndarray, width: int) -> np.ndarray:
    """By classes of the first side `width` wide, and inside them by the last, up and down in turn.

    Where one class ends and the next begins, the last sides are then alike too.
    """
    class_N, last_N = sides_NK[:, 0] // width, sides_NK[:, -1]
    return np.lexsort((np.where(class_N % 2, -last_N, last_N), class_N))


def plain(
    sides_NK: np.ndarray, budget: int, devices: int = 1, key: tuple[int, int] = (0, 0)
) -> list[MicroBatch]:
    """Micro-batches in the sampler's own order, cut where the budget is full; otherwise as `bucketed`."""
    check_shares(len(sides_NK), devices)
    cost = _cost(sides_NK)
    plan = _cut(np.arange(len(sides_NK)), budget, cost)
    return _rows(_shuffled(_divisible(plan, devices, cost), devices, cost, key))


def check_shares(pairs: int, devices: int) -> None:
    """Raise UserError where some device would have no pair."""
    if pairs < devices:
        raise UserError(
            f"{pairs} pairs cannot be shared by {devices} devices; raise batch_size or lower trainer.devices"
        )


def _cost(sides_NK: np.ndarray) -> Cost:
    def cost(positions_M: np.ndarray) -> int:
        return len(positions_M) * int(sides_NK[positions_M].max(axis=0).sum())

    return cost


def _rows(plan: list[np.ndarray]) -> list[MicroBatch]:
    """A row for each pair."""
    return [list(part[:, None]) for part in plan]


def _cut(order_N: np.ndarray, budget: int, cost: Cost) -> list[np.ndarray]:
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


def _divisible(plan: list[np.ndarray], devices: int, cost: Cost) -> list[np.ndarray]:
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


def _shuffled(plan: list[np.ndarray], devices: int, cost: Cost, key: tuple[int, int]) -> list[np.ndarray]:
    """Rounds of `devices` similar micro-batches, the rounds in random order."""
    plan = sorted(plan, key=cost, reverse=True)
    rounds = len(plan) // devices
    return [plan[r * devices + d] for r in shuffle(rounds, key) for d in range(devices)]


def shuffle(size: int, key: tuple[int, int]) -> np.ndarray:
    """A permutation of `size` that only depends on `key`: Philox, whose raw output numpy keeps stable."""
    raw = np.random.Philox(np.random.SeedSequence(list(key))).random_raw(size)
    return np.argsort(raw, kind="stable")
