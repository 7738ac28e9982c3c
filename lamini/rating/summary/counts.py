"""How often an owner's texts got each level, in the order of the paper's figures (Figures 3 and 5).

Every text counts once: one that several people rated is shared between the levels that they gave, so that an
item with two raters weighs no more than an item with one, and the counts of an owner sum to its rated texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from lamini.rating.study import Scale, Study
from lamini.rating.summary.bootstrap import CONFIDENCE, Bootstrap, Estimate, estimate, ratio
from lamini.rating.summary.paper import published, published_of

Levels = Mapping[str, Mapping[str, int]]
"""Target -> rater -> level, as `collected.levels_of` gives it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One owner's texts of one part. `unrated`: nobody has rated them yet; `left_out`: not in the study."""

    part: str
    owner: str
    rated: int
    unrated: int
    left_out: int  # items in which others have a text and this owner has none: it had failed to answer
    counts: dict[str, float]  # letter -> texts
    top: Estimate  # share of the levels of `top_letters`: A+B
    mean: Estimate  # of the levels as numbers, see `scores`
    paper: dict[str, int] | None  # letter -> texts, of the paper's model or source of that name


def scores(scale: Scale) -> dict[str, int]:
    """Letter -> number: the last level is 0, each one before it 1 more; A, B, C, D are 3, 2, 1, 0."""
    return {letter: len(scale.letters) - 1 - place for place, letter in enumerate(scale.letters)}


def top_letters(scale: Scale) -> tuple[str, ...]:
    """The better half of the levels: A and B."""
    return scale.letters[: len(scale.letters) // 2]


def counts(study: Study, levels: Levels, bootstrap: Bootstrap) -> list[Counted]:
    """One row an owner and part, part after part; owners as `ordered` says."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    item_of = {}
    for item in study.items:
        for target in item.targets:
            item_of[target.key] = item.key
            for owner in target.owners:
                found[target.part, owner].append(target.key)
    rows = []
    for part in dict.fromkeys(part for part, _ in found):
        owned = {owner: keys for (one, owner), keys in found.items() if one == part}
        own = [
            _counted(study, part, owner, keys, levels, item_of, bootstrap) for owner, keys in owned.items()
        ]
        rows += ordered(study.sheet, part, own)
    return rows


def _counted(
    study: Study, part: str, owner: str, keys: Sequence[str], levels: Levels, item_of: Mapping[str, str],
    bootstrap: Bootstrap,
) -> Counted:  # fmt: skip
    scale = study.scale
    shares = {key: _shares(levels[key], len(scale.letters)) for key in keys if levels.get(key)}
    counts_V = np.sum(list(shares.values()), axis=0) if shares else np.zeros(len(scale.letters))
    top = float(counts_V[: len(top_letters(scale))].sum())
    beside = published_of(study.sheet, part, owner)
    failed = len(study.items) - len(keys) if study.sheet != "pairs" else 0  # a source has items of its own
    return Counted(
        part, owner, len(shares), len(keys) - len(shares), max(failed, 0),
        counts=dict(zip(scale.letters, map(float, counts_V), strict=True)),
        top=Estimate(top / len(shares), wilson(top, len(shares))) if shares else Estimate(None),
        mean=_mean(scale, shares, item_of, bootstrap),
        paper=dict(zip(scale.letters, beside[1], strict=True)) if beside else None,
    )  # fmt: skip


def _shares(given: Mapping[str, int], levels: int) -> np.ndarray:
    """What of a text each level gets, float64 (V,): A and B of two raters are 1/2 and 1/2."""
    return np.bincount(list(given.values()), minlength=levels) / len(given)


def _mean(
    scale: Scale, shares: Mapping[str, np.ndarray], item_of: Mapping[str, str], bootstrap: Bootstrap
) -> Estimate:
    """Mean of the levels as numbers, with an interval over items."""
    if not shares:
        return Estimate(None)
    score_V = np.array(list(scores(scale).values()), float)
    parts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for key, share_V in shares.items():
        parts[item_of[key]] += [float(share_V @ score_V), 1]
    parts_IX = np.array(list(parts.values()))
    value, number = parts_IX.sum(axis=0)
    drawn_SX = bootstrap.sums(parts_IX)
    return estimate(float(value / number), ratio(drawn_SX[:, 0], drawn_SX[:, 1]), len(parts_IX))


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share: it has a width for none and for all of them, where a bootstrap has none.

    >>> [round(end, 3) for end in wilson(9, 10)]
    [0.596, 0.982]
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def ordered(sheet: str, part: str, rows: Sequence[Counted]) -> list[Counted]:
    """The paper's owners in its order, then the others, the largest share of A+B first."""
    places = {name.lower(): place for place, name in enumerate(published(sheet, part))}

    def place(row: Counted) -> tuple[float, float, float, str]:
        top, mean = row.top.value or 0.0, row.mean.value or 0.0
        return places.get(row.owner.lower(), len(places)), -top, -mean, row.owner

    return sorted(rows, key=place)
