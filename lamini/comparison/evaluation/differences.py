"""Is one student better than another, or luckier? The best test that the numbers at hand allow.

    rows of both kept           row by row (lamini/evaluation/benchmarks/significance.py)
    one of them published       two samples apart: normal, with the binomial error of n test rows
    several seeds of one        Student's t over the seeds: of them against one model, or Welch's of both

The second test treats the same test rows as if they were others and so sees less than it could; it is the
most that published means allow. The third sees how far seeds scatter. Differences are in points, second less
first.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamini.comparison import scores
from lamini.comparison.blocks import Mark
from lamini.comparison.herd import Kind, Member
from lamini.comparison.replicates import Row

MEAN = "mean"
LEVEL = 0.05
STAR = "*"


@dataclass(frozen=True)
class Difference:
    """`how`: rows, samples or seeds; "" and no p where nothing can be tested."""

    value: float
    stderr: float | None = None
    p: float | None = None
    how: str = ""


def between(first: Row, second: Row, suite: str, seed: int) -> dict[str, Difference]:
    """Column -> difference, and MEAN; columns that both have."""
    if len(first.members) == 1 and len(second.members) == 1:
        return _single(first.members[0], second.members[0], suite, seed)
    found = {}
    for name in [MEAN, *_common([*first.members, *second.members], suite)]:
        values = [[_value(member, suite, name) for member in row.members] for row in (first, second)]
        left, right = ([value for value in own if value is not None] for own in values)
        if left and right:
            exact = [row.members[0].kind is not Kind.run for row in (first, second)]
            found[name] = of_seeds(left, right, exact)
    return found


def of_seeds(
    first: Sequence[float], second: Sequence[float], exact: Sequence[bool] = (False, False)
) -> Difference:
    """Means of several seeds; a single value is only tested against if it is `exact`: a model and no draw.

    1 2 3 against 5 6 7: difference 4, error 0.816 by Welch.
    """
    from scipy.stats import t, ttest_ind_from_stats

    value = statistics.fmean(second) - statistics.fmean(first)
    told = [(statistics.fmean(own), _scatter(own), len(own)) for own in (first, second)]
    error = math.sqrt(sum(scatter**2 / count for _, scatter, count in told))
    alone = [count == 1 for _, _, count in told]
    if any(one and not sure for one, sure in zip(alone, exact, strict=True)) or all(alone) or not error:
        return Difference(value)
    if any(alone):
        p = 2 * t.sf(abs(value) / error, max(len(first), len(second)) - 1)
    else:
        p = ttest_ind_from_stats(*told[0], *told[1], equal_var=False).pvalue
    return Difference(value, error, float(p), "seeds")


def _scatter(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _single(first: Member, second: Member, suite: str, seed: int) -> dict[str, Difference]:
    from lamini.evaluation.benchmarks import significance

    left, right = rows_of(first, suite), rows_of(second, suite)
    same = [name for name in left if name in right and left[name][0] == right[name][0]]
    names = _common([first, second], suite)
    found = {}
    for name in names:
        if name in same:
            found[name] = _paired(significance.paired(left[name][1], right[name][1], seed))
        else:
            found[name] = _apart(first, second, suite, name)
    averaged = [name for name in names if _averaged(first, suite, name)]
    if averaged and set(averaged) <= set(same):
        one, other = ([own[name][1] for name in averaged] for own in (left, right))
        found[MEAN] = _paired(significance.paired_mean(one, other, seed))
    elif averaged:
        found[MEAN] = _apart_mean(first, second, suite, averaged)
    return found


def _points(second: float, first: float) -> float:
    """A difference of printed scores without binary dust: 61.9 less 61.9 is no loss of 7e-15."""
    return round(second - first, 9)


def _paired(paired: Any) -> Difference:
    """A paired test in points."""
    return Difference(100 * paired.value, 100 * paired.stderr, paired.p, "rows")


def _common(members: Sequence[Member], suite: str) -> list[str]:
    columns = [scores.columns(member, suite) for member in members]
    return [name for name in columns[0] if all(name in other for other in columns)]


def _averaged(member: Member, suite: str, name: str) -> bool:
    found = scores.score(member, suite, name)
    return found is not None and found.share


def _value(member: Member, suite: str, name: str) -> float | None:
    if name == MEAN:
        return scores.mean(member, suite)
    found = scores.score(member, suite, name)
    return found.value if found else None


def error_of(score: scores.Score) -> float | None:
    """Standard error in points: its own, else the binomial one, which no score between 0 and 1 exceeds."""
    if score.stderr is not None or not score.share:
        return score.stderr
    return math.sqrt(max(score.value * (100 - score.value), 0) / score.n) if score.n else None


def mean_error(member: Member, suite: str) -> float | None:
    """Standard error of the mean over tasks, in points: its own, else from those of the tasks."""
    own = scores.mean_error(member, suite)
    if own is not None:
        return own
    found = [scores.score(member, suite, name) for name in scores.columns(member, suite)]
    errors = [error_of(score) for score in found if score and score.share]
    known = [error for error in errors if error is not None]
    return (
        math.sqrt(sum(error**2 for error in known)) / len(known)
        if known and len(known) == len(errors)
        else None
    )


def _apart(first: Member, second: Member, suite: str, name: str) -> Difference:
    one, other = scores.score(first, suite, name), scores.score(second, suite, name)
    assert one and other
    return _tested(_points(other.value, one.value), [error_of(one), error_of(other)])


def _apart_mean(first: Member, second: Member, suite: str, names: Sequence[str]) -> Difference:
    """Of the means as they are told, the paper's rounded ones too; over common columns where one has more."""
    alone = [
        sum(_averaged(one, suite, name) for name in scores.columns(one, suite)) for one in (first, second)
    ]
    left, right = scores.mean(first, suite), scores.mean(second, suite)
    if left is not None and right is not None and alone == [len(names)] * 2:
        return _tested(_points(right, left), [mean_error(first, suite), mean_error(second, suite)])
    found = [_apart(first, second, suite, name) for name in names]
    errors = [None if one.stderr is None else one.stderr / len(names) for one in found]
    return _tested(statistics.fmean(one.value for one in found), errors)


def _tested(value: float, errors: Sequence[float | None]) -> Difference:
    """A difference of independent parts with these standard errors."""
    from scipy.stats import norm

    known = [error for error in errors if error is not None]
    error = math.sqrt(sum(one**2 for one in known))
    if len(known) < len(errors) or not error:
        return Difference(value)
    return Difference(value, error, float(2 * norm.sf(abs(value) / error)), "samples")


def rows_of(member: Member, suite: str) -> dict[str, tuple[str, Any]]:
    """Column -> what its rows are, and their outcomes; {} where none are kept."""
    if member.folder is None or "tasks" not in member.suites.get(suite, {}):
        return {}
    return _rows(member.folder / "evaluation" / f"{suite}.json")


@lru_cache(maxsize=512)
def _rows(file: Path) -> dict[str, tuple[str, Any]]:
    from lamini.evaluation.benchmarks import results, samples, significance

    tree = results.read(file)
    parts = results.parts_of(tree)
    if not parts:
        return {}
    tables = samples.rows_of(samples.read(results.beside(file, "outcomes"), samples.OUTCOMES))
    own = {key: table for (wrapper, key), table in tables.items() if wrapper == tree["wrapper"]}
    return significance.keyed(parts[tree["wrapper"]], own)


def starred(found: Sequence[Mapping[str, Difference]]) -> list[set[str]]:
    """Of each comparison the columns that chance does not explain, by Holm's method over all of them.

    The means are one family of tests, the columns another.
    """
    from lamini.evaluation.benchmarks.significance import holm

    marked: list[set[str]] = [set() for _ in found]
    for means in (True, False):
        tests = [
            (place, name, one.p)
            for place, differences in enumerate(found)
            for name, one in differences.items()
            if (name == MEAN) == means and one.p is not None
        ]
        for (place, name, _), p in zip(tests, holm([p for _, _, p in tests]), strict=True):
            if p < LEVEL:
                marked[place].add(name)
    return marked


SIGNIFICANT = Mark(STAR, "p < 0.05 after Holm's correction over the table")
"""The sign of a difference that chance does not explain."""


HOW = {
    "rows": "the same test rows, row by row (McNemar's exact test, else permutations)",
    "samples": "published means, as if of different test rows (normal)",
    "seeds": "seeds (Student's t)",
}


def note(found: Sequence[Mapping[str, Difference]]) -> str:
    """By which tests the stars of a table came about."""
    used = dict.fromkeys(one.how for differences in found for one in differences.values() if one.how)
    if not used:
        return "Nothing here can be tested: one seed each, and no rows kept."
    tests = "; ".join(HOW[how] for how in used)
    return f"Stars: p < 0.05 after Holm's correction over the table. Tested: {tests}."
