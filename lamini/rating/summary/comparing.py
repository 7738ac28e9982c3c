"""Every two owners on the items that both were rated on: is one better, or was it lucky with its items?

Each item gives one difference, the mean over the people who rated both of its texts there, so that nobody's
mildness enters. On an ordered scale Wilcoxon's signed-rank test looks at them, with Pratt's way of zeros, of
which a scale of four levels has many; with two levels the exact test of McNemar does, or permutations
where raters differ on a text. p values over all pairs are adjusted by Holm's method.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from lamini.rating.study import Study
from lamini.rating.summary.bootstrap import Bootstrap, Estimate, estimate, ratio
from lamini.rating.summary.collected import Given
from lamini.rating.summary.counts import scores


@dataclass(frozen=True, slots=True)
class Compared:
    """Two owners: the second minus the first, as numbers; A against B is 1."""

    part: str
    first: str
    second: str
    items: int
    difference: Estimate
    better: int  # items on which the second is better
    alike: int
    worse: int
    p: float  # two-sided
    holm: float  # over all pairs of the study


def compared(
    study: Study, given: Sequence[Given], owners: Sequence[str], bootstrap: Bootstrap
) -> list[Compared]:
    """Every two owners that people rated on common items, in the order given."""
    from lamini.evaluation.benchmarks.significance import holm

    found = []
    for part, pages in _pages(study, given).items():
        pairs = list(combinations(owners, 2))
        difference_IP = np.array([[_difference(page, *pair) for pair in pairs] for page in pages.values()])
        if difference_IP.size:
            found += _compared(part, pairs, difference_IP, len(study.scale.letters), bootstrap)
    adjusted = holm([one.p for one in found])
    return [replace(one, holm=p) for one, p in zip(found, adjusted, strict=True)]


def _pages(study: Study, given: Sequence[Given]) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Part -> item -> rater -> owner -> level as a number."""
    targets = {target.key: target for item in study.items for target in item.targets}
    numbers = list(scores(study.scale).values())
    pages: dict[str, dict[str, dict[str, dict[str, int]]]] = defaultdict(lambda: defaultdict(dict))
    for one in given:
        target = targets[one.target]
        owned = pages[target.part][one.item].setdefault(one.rater, {})
        for owner in target.owners:
            owned[owner] = numbers[one.level]
    return {part: dict(items) for part, items in pages.items()}


def _difference(page: Mapping[str, Mapping[str, int]], first: str, second: str) -> float:
    """Mean over the raters of both; NaN where there is none."""
    both = [owned[second] - owned[first] for owned in page.values() if first in owned and second in owned]
    return float(np.mean(both)) if both else float("nan")


def _compared(
    part: str, pairs: Sequence[tuple[str, str]], difference_IP: np.ndarray, levels: int, bootstrap: Bootstrap
) -> list[Compared]:
    """All pairs from one set of resamples."""
    there_IP = ~np.isnan(difference_IP)
    drawn_SX = bootstrap.sums(np.hstack([np.nan_to_num(difference_IP), there_IP]))
    mean_SP = ratio(drawn_SX[:, : len(pairs)], drawn_SX[:, len(pairs) :])
    found = []
    for number, (first, second) in enumerate(pairs):
        difference_N = difference_IP[there_IP[:, number], number]
        if not len(difference_N):
            continue
        mean = estimate(float(difference_N.mean()), mean_SP[:, number], len(difference_N))
        found.append(
            Compared(
                part, first, second, len(difference_N), mean,
                int((difference_N > 0).sum()), int((difference_N == 0).sum()), int((difference_N < 0).sum()),
                p_value(difference_N, levels, bootstrap.seed), 1.0,
            )
        )  # fmt: skip
    return found


def p_value(difference_N: np.ndarray, levels: int, seed: int) -> float:
    """How often chance alone would do that, in either direction."""
    from scipy.stats import wilcoxon

    from lamini.evaluation.benchmarks.significance import paired

    if not difference_N.any():
        return 1.0
    if levels == 2:
        return paired(np.zeros(len(difference_N)), difference_N, seed).p
    return float(wilcoxon(difference_N, zero_method="pratt").pvalue)
