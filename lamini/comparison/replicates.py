"""Runs that differ by their seed alone are one row, with a mean and an interval over the seeds."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lamini.comparison.herd import Member

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Row:
    """`key` is that of its only member, or what the keys of its members have in common without the seed."""

    key: str
    members: Sequence[Member]


@dataclass(frozen=True)
class Spread:
    """Mean over `n` seeds, and the interval for the mean of many seeds; none for one seed."""

    mean: float
    low: float | None
    high: float | None
    n: int


def rows(members: Sequence[Member]) -> list[Row]:
    """Members by what they are apart from the seed, in the order of the first of each.

    Runs of other data (fingerprint) or another configuration never share a row; nor do two runs of one seed,
    which are one run twice and no replicate. `t5-nano,seed=1` and `t5-nano,seed=2` are the row `t5-nano`.
    """
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(_place(member, found), []).append(member)
    names: dict[str, int] = {}
    result = []
    for own in found.values():
        name = _name(own)
        names[name] = names.get(name, 0) + 1
        result.append(Row(name if names[name] == 1 else f"{name} ({names[name]})", own))
    return result


def spread(row: Row, number: Callable[[Member], float | None]) -> Spread | None:
    """Student's t interval over the seeds; None where no member has the number.

    1, 2 and 3: mean 2, standard error 0.577, t of 2 degrees of freedom 4.303: 2 +- 2.484.
    """
    values = [value for member in row.members if (value := number(member)) is not None]
    if not values:
        return None
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Spread(mean, None, None, 1)
    from scipy.stats import t  # half a second to import

    width = t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Spread(mean, mean - float(width), mean + float(width), len(values))


def _place(member: Member, found: dict[str, list[Member]]) -> str:
    """The key of the group that a member joins."""
    key = member.without_seed
    if key is None:
        return f"alone {member.key}"
    taken = {other.seed for other in found.get(key, [])}
    return key if member.seed not in taken else f"again {member.key} {key}"


def _name(own: Sequence[Member]) -> str:
    if len(own) == 1:
        return own[0].key
    return re.sub(r",seed=-?\d+", "", own[0].key)
