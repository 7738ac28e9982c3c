"""Several pairs in one row, so that next to nothing is padding.

Rows are balanced, not filled: the longest pair comes first, and each goes to the row where it fits
best, which is the one that stays shortest on its fullest side (LPT, Graham 1969, over both sides of
an encoder-decoder pair at once). All rows of a micro-batch then end at about the same place, for any
number of rows, and so do all micro-batches of a step, which devices share evenly. The number of rows
is free, and matters: attention costs a row's square, so the rows are as short as little padding
allows.

Trade-off: the plan of a step is made again by every run, a pure function of (seed, step) like the
step's pairs. It costs milliseconds, and there is no file that could be stale.

Suffixes: N pairs of the step, K sides of a pair, R rows.
"""

from __future__ import annotations

import numpy as np

from lamini.data.batches import MicroBatch, check_shares, padded, shuffle

LONG = 1024  # positions of a row: masks and biases are as large as its square


def packed(
    sides_NK: np.ndarray,
    budget: int,
    devices: int = 1,
    key: tuple[int, int] = (0, 0),
    padding: float = 0.03,
    widths: tuple[int, ...] | None = None,
) -> list[MicroBatch]:
    """Micro-batches of packed rows, every pair once.

    Each costs at most `budget` positions; a row is at most `widths` long on each side (None: LONG, or
    the longest pair) and as short as keeps padding within the share `padding`, where that can be. The
    number of micro-batches is a multiple of `devices`, those that run at the same time cost about the
    same; where a step has too few pairs for that many, the budget gives way. Which pairs of the same
    length share a row is drawn by `key` = (seed, step).

    Pairs of 9, 5, 4, 3, 3 positions and budget 32: rows 9 + 3 and 5 + 4 + 3, both 12 long, without
    padding. With padding=0.2 rows 9, 5 + 3 and 4 + 3 are short enough: 3 * 9 = 27 positions for 24 real
    ones, a ninth padding.

    Raises:
        UserError: fewer pairs than devices.
    """
    check_shares(len(sides_NK), devices)
    real = int(sides_NK.sum())
    limits_K = np.maximum(sides_NK.max(axis=0), LONG) if widths is None else np.asarray(widths)
    order_N = _longest_first(sides_NK, key)
    most = len(sides_NK) // devices * devices
    needed = -(-real // budget)
    parts = min(most, -(-needed // devices) * devices)
    while True:
        plan = _with_parts(sides_NK, order_N, parts, budget, limits_K, padding)
        if plan is not None:
            return plan
        if parts == most:
            return _grouped(_balanced(sides_NK, order_N, parts), sides_NK, parts)
        parts = min(most, parts + devices)


def _longest_first(sides_NK: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Positions by falling length, equal ones in random order."""
    shuffled_N = shuffle(len(sides_NK), key)
    return shuffled_N[np.argsort(-sides_NK.sum(axis=1)[shuffled_N], kind="stable")]


def _with_parts(
    sides_NK: np.ndarray, order_N: np.ndarray, parts: int, budget: int, limits_K: np.ndarray, padding: float
) -> list[MicroBatch] | None:
    """The plan with `parts` micro-batches and the shortest rows that pad little; None if none fits."""
    real, fallback = int(sides_NK.sum()), None
    longest = int(sides_NK.max(axis=0).sum())
    rows = min(len(sides_NK) // parts, max(1, int(real / ((1 - padding) * longest * parts))))
    while rows:
        plan = _grouped(_balanced(sides_NK, order_N, parts * rows), sides_NK, parts)
        costs = [padded(sides_NK, part) for part in plan]
        if max(costs) <= budget and _within(plan, sides_NK, limits_K):
            fallback = plan
            if sum(costs) * (1 - padding) <= real:
                return plan
        rows = min(rows - 1, rows * 4 // 5)
    return fallback


def _within(plan: list[MicroBatch], sides_NK: np.ndarray, limits_K: np.ndarray) -> bool:
    return all((sides_NK[row].sum(axis=0) <= limits_K).all() for part in plan for row in part)


def _balanced(sides_NK: np.ndarray, order_N: np.ndarray, rows: int) -> list[np.ndarray]:
    """The pairs in `rows` rows whose fullest sides are about equal."""
    share_NK = sides_NK / np.maximum(sides_NK.sum(axis=0) / rows, 1.0)
    load_RK = np.zeros((rows, sides_NK.shape[1]))
    where_N = np.empty(len(sides_NK), dtype=np.int64)
    for position in order_N:
        then_RK = load_RK + share_NK[position]
        # The second term decides between rows whose fullest side is the same.
        row = int(np.argmin(then_RK.max(axis=1) + 1e-3 * then_RK.sum(axis=1)))
        load_RK[row] = then_RK[row]
        where_N[position] = row
    by_row = order_N[np.argsort(where_N[order_N], kind="stable")]
    return np.split(by_row, np.cumsum(np.bincount(where_N, minlength=rows))[:-1])


def _grouped(rows: list[np.ndarray], sides_NK: np.ndarray, parts: int) -> list[MicroBatch]:
    """Rows of similar length together, in `parts` micro-batches of equally many."""
    loads_RK = np.array([sides_NK[row].sum(axis=0) for row in rows])
    order_R = np.argsort(-loads_RK.sum(axis=1), kind="stable")
    return [[rows[i] for i in chunk] for chunk in np.split(order_R, parts)]
