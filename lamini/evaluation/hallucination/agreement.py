"""How far two judges agree: share of equal verdicts, and Cohen's kappa, which takes chance away.

With two verdicts, forty answers that both call hallucinated agree entirely and say nothing about the judges:
kappa is not defined then. The interval is a percentile bootstrap over the answers: a resample of n answers is
one draw of the four cells (both, neither, only one, only the other), so thousands cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lamini.evaluation.hallucination.verdicts import HALLUCINATED, VERDICTS

RESAMPLES = 10_000
CELLS = ("both_hallucinated", "first_only", "second_only", "both_rejected")


@dataclass(frozen=True)
class Agreement:
    """Of two judges on the `n` answers that both judged. Intervals are of 95 %; None: not defined.

    `undefined` is the share of the resamples in which kappa was not, which the interval leaves out.
    """

    n: int
    share: float | None
    share_interval: tuple[float, float] | None
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    undefined: float
    cells: dict[str, int]  # `first_only`: the first judge alone calls it a hallucination

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def agreement(first: Sequence[str | None], second: Sequence[str | None], seed: int) -> Agreement:
    """Compare verdicts on the same answers; those that one of the judges did not give are left out."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    cells = _cells(pairs)
    if not pairs:
        return Agreement(0, None, None, None, None, 0.0, dict(zip(CELLS, cells.tolist(), strict=True)))
    drawn_S4 = np.random.default_rng(seed).multinomial(len(pairs), cells / len(pairs), RESAMPLES)
    share_S, kappa_S = _scores(drawn_S4)
    defined_S = kappa_S[~np.isnan(kappa_S)]
    kappa = _kappa(pairs)
    return Agreement(
        n=len(pairs),
        share=sum(a == b for a, b in pairs) / len(pairs),
        share_interval=_interval(share_S),
        kappa=kappa,
        kappa_interval=_interval(defined_S) if kappa is not None and len(defined_S) else None,
        undefined=1 - len(defined_S) / RESAMPLES,
        cells=dict(zip(CELLS, cells.tolist(), strict=True)),
    )


def _kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Cohen's kappa; None where both judges gave one and the same verdict throughout."""
    from sklearn.metrics import cohen_kappa_score  # 1 s: only where two judges are compared

    first, second = zip(*pairs, strict=True)
    if len(set(first + second)) < 2:
        return None
    return float(cohen_kappa_score(first, second, labels=list(VERDICTS)))


def _cells(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    """How often each combination of verdicts came, int64 (4,), in the order of CELLS."""
    numbers = [2 * (a != HALLUCINATED) + (b != HALLUCINATED) for a, b in pairs]
    return np.bincount(np.array(numbers, int), minlength=4)


def _scores(cells_S4: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of equal verdicts and kappa (NaN: not defined) of S tables, float64 (S,).

    Cells 2 1 0 1 of 4 answers: 3/4 agree, 3/4 * 2/4 + 1/4 * 2/4 would by chance, kappa is 1/2.
    """
    both, one, other, neither = cells_S4.T / cells_S4.sum(axis=1)
    share_S = both + neither
    chance_S = (both + one) * (both + other) + (other + neither) * (one + neither)
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa_S = np.where(chance_S < 1 - 1e-12, (share_S - chance_S) / (1 - chance_S), np.nan)
    return share_S, kappa_S


def _interval(values_S: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values_S, [0.025, 0.975])
    return float(low), float(high)
