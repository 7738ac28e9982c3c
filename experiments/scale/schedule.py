"""Who starts when: list scheduling in the order of the line, as the launchers do it, without chance.

A student starts as soon as its GPUs are free and everybody before it in the line has started. That never
takes longer than (work / GPUs) + (1 - 1 / GPUs) x the longest, for students of one GPU (Graham 1969), and
never less than the longer of work / GPUs and the longest student.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
WORTH = 0.01  # how much later all may end to save GPU time


def ends(jobs: Sequence[tuple[int, float]], gpus: int) -> list[float]:
    """When each of `jobs`, (GPUs, seconds), ends on a cluster of `gpus`.

    >>> ends([(1, 3.0), (1, 5.0), (2, 1.0), (1, 1.0)], 2)
    [3.0, 5.0, 6.0, 7.0]
    """
    free = [0.0] * gpus  # when each GPU is free, sorted
    begin, found = 0.0, []
    for needed, seconds in jobs:
        begin = max(begin, free[needed - 1])
        found.append(begin + seconds)
        free = sorted([*free[needed:], *[begin + seconds] * needed])
    return found


def makespan(jobs: Sequence[tuple[int, float]], gpus: int) -> float:
    """When the last one ends."""
    return max(ends(jobs, gpus), default=0.0)


def shares(
    items: Sequence[Item], gpus: int, seconds: Callable[[Item, int], float], least: Callable[[Item], int]
) -> list[int]:
    """How many GPUs each item gets so that all end soonest.

    Each gets the fewest with which it ends by one common time: the least that holds it, times a power of two.
    Every time at which some item could end is tried as the common one. Of the plans that end within WORTH of
    the soonest, the one of the fewest GPU seconds.
    """
    choices = [options(item, gpus, seconds, least(item)) for item in items]
    plans = []
    for limit in sorted({time for each in choices for _, time in each}):
        jobs = [next((o for o in each if o[1] <= limit), min(each, key=lambda o: o[1])) for each in choices]
        length = makespan(sorted(jobs, key=lambda job: -job[1]), gpus)
        plans.append((length, sum(count * time for count, time in jobs), [count for count, _ in jobs]))
    enough = (1 + WORTH) * min(length for length, _, _ in plans)
    return min((cost, counts) for length, cost, counts in plans if length <= enough)[1]


def options(
    item: Item, gpus: int, seconds: Callable[[Item, int], float], least: int
) -> list[tuple[int, float]]:
    """(GPUs, seconds) of an item, fewest first."""
    counts = [least]
    while 2 * counts[-1] <= gpus:
        counts.append(2 * counts[-1])
    return [(count, seconds(item, count)) for count in counts]
