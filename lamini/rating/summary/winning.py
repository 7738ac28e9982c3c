"""Who is preferred: wins, ties and losses by owner, win rates, and a Bradley-Terry fit.

Bradley-Terry gives each owner a strength s, so that one wins against another with s / (s + s'); told is log
s, 0 on average, so that a difference of 0.7 is two wins to one. A tie is half a win for both. Everybody also
has half a win and half a loss against an owner of average strength, so that who won always (or was never
compared with some of the others) has a strength too. Hunter's MM iteration (2004) fits all resamples at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lamini.rating.study import Study
from lamini.rating.summary.bootstrap import Bootstrap, Estimate, estimate, ratio

PRIOR = 0.5  # wins, and losses, of everybody against an average owner
STEPS = 2_000  # of the iteration, at most
CLOSE = 1e-7  # change of a log strength at which it ends
FIRST, SECOND = "1", "2"

Levels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Won:
    """One owner. A comparison that several people rated counts once, shared between what they said."""

    owner: str
    rated: float  # comparisons
    won: float
    tied: float
    lost: float
    rate: Estimate  # won, and half of the ties, of all
    strength: Estimate  # log, 0 on average


@dataclass(frozen=True, slots=True)
class Beaten:
    """Two owners: comparisons that the first won, nobody won, the second won."""

    first: str
    second: str
    won: float
    tied: float
    lost: float


@dataclass(frozen=True, slots=True)
class Preferences:
    """All of it; `first`: share of the decided ratings that chose what was shown first, of `decided`."""

    owners: list[Won]  # the strongest first
    pairs: list[Beaten]
    first: float | None
    decided: int


def preferences(study: Study, levels: Levels, bootstrap: Bootstrap) -> Preferences | None:
    """None where no comparison was rated."""
    owners = list(
        dict.fromkeys(owner for item in study.items for one in item.targets for owner in one.owners)
    )
    won_IOO, tied_IOO, chosen = _tables(study, levels, owners)
    if not len(won_IOO):
        return None
    rows = _rows(owners, won_IOO, tied_IOO, bootstrap)
    won_OO, tied_OO = won_IOO.sum(axis=0), tied_IOO.sum(axis=0)
    pairs = [
        Beaten(first, second, float(won_OO[n, m]), float(tied_OO[n, m]), float(won_OO[m, n]))
        for (n, first), (m, second) in combinations(enumerate(owners), 2)
        if won_OO[n, m] + won_OO[m, n] + tied_OO[n, m]
    ]
    decided = chosen[FIRST] + chosen[SECOND]
    return Preferences(rows, pairs, chosen[FIRST] / decided if decided else None, decided)


def _tables(
    study: Study, levels: Levels, owners: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Who won against whom and who tied with whom by item, float64 (I, O, O), and what was chosen."""
    place = {owner: number for number, owner in enumerate(owners)}
    won, tied, chosen = [], [], dict.fromkeys(study.scale.letters, 0)
    for item in study.items:
        rated = [(target, levels[target.key]) for target in item.targets if levels.get(target.key)]
        if not rated:
            continue
        won.append(np.zeros((len(owners), len(owners))))
        tied.append(np.zeros_like(won[-1]))
        for target, given in rated:
            first, second = (place[owner] for owner in target.owners)
            for level in given.values():
                letter = study.scale.letters[level]
                chosen[letter] += 1
                if letter == FIRST:
                    won[-1][first, second] += 1 / len(given)
                elif letter == SECOND:
                    won[-1][second, first] += 1 / len(given)
                else:
                    tied[-1][[first, second], [second, first]] += 1 / len(given)
    return np.array(won), np.array(tied), chosen


def _rows(
    owners: Sequence[str], won_IOO: np.ndarray, tied_IOO: np.ndarray, bootstrap: Bootstrap
) -> list[Won]:
    items, number = len(won_IOO), len(owners)
    score_IOO = won_IOO + tied_IOO / 2
    drawn_SOO = bootstrap.sums(score_IOO.reshape(items, -1)).reshape(-1, number, number)
    score_OO = score_IOO.sum(axis=0)
    rates_SO, rate_O = rates(drawn_SOO), rates(score_OO[None])[0]
    strengths_SO, strength_O = strengths(drawn_SOO), strengths(score_OO[None])[0]
    rows = []
    for n, owner in enumerate(owners):
        won, tied, lost = (float(one.sum()) for one in (won_IOO[:, n], tied_IOO[:, n], won_IOO[:, :, n]))
        if not won + tied + lost:
            continue
        rate = estimate(float(rate_O[n]), rates_SO[:, n], items)
        strength = estimate(float(strength_O[n]), strengths_SO[:, n], items)
        rows.append(Won(owner, won + tied + lost, won, tied, lost, rate, strength))
    return sorted(rows, key=lambda row: (-(row.strength.value or 0.0), row.owner))


def rates(scores_SOO: np.ndarray) -> np.ndarray:
    """Share of an owner's comparisons that it won, ties as halves; NaN without any, float64 (S, O)."""
    won_SO, lost_SO = scores_SOO.sum(axis=2), scores_SOO.sum(axis=1)
    return ratio(won_SO, won_SO + lost_SO)


def strengths(scores_SOO: np.ndarray, prior: float = PRIOR) -> np.ndarray:
    """Log strengths, 0 on average, float64 (S, O).

    Two owners, 3 wins to 1 and no prior: log 3 / 2 and its negative, as strengths of 3 to 1 have it.
    """
    met_SOO = scores_SOO + scores_SOO.transpose(0, 2, 1)
    won_SO = scores_SOO.sum(axis=2) + prior
    strength_SO = np.ones(won_SO.shape)
    for _ in range(STEPS):
        expected_SO = (met_SOO / (strength_SO[:, :, None] + strength_SO[:, None, :])).sum(axis=2)
        expected_SO += 2 * prior / (strength_SO + 1)
        new_SO = won_SO / np.maximum(expected_SO, 1e-300)
        moved = np.abs(np.log(new_SO / strength_SO)).max()
        strength_SO = new_SO
        if moved < CLOSE:
            break
    log_SO = np.log(strength_SO)
    return np.asarray(log_SO - log_SO.mean(axis=1, keepdims=True))
