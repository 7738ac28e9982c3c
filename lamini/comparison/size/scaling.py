"""A curve of error against size, and against data: how far it can be trusted, and what it says of the next.

    error = floor + a * parameters^-b (+ d * pairs^-e)          floor, a and d not below 0

The form with an irreducible term is that of Hoffmann et al. 2022 (arXiv:2203.15556, equation 2); without
the floor it is the power law of Kaplan et al. 2020 (arXiv:2001.08361). Least squares on the error itself.

With a handful of sizes the curve is flat in some directions, so that neither standard errors of a linearised
fit nor a bootstrap of four points say anything. Intervals are profiles: a value is inside if a curve through
it fits the points nearly as well as the best one, which F decides (Bates & Watts 1988, chapter 6). Given the
exponents the curve is linear, so a grid over exponents with exact solutions in it finds the whole region;
for a straight line the intervals are those of any textbook. They are never narrower than the scores' own
sampling error allows: three points that happen to lie on a line prove nothing.

Suffixes: N points, K terms, G exponents of the grid, P coefficients (the floor first), S those not at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import numpy as np
from scipy.optimize import minimize, nnls
from scipy.stats import chi2, f

from lamini.rating.summary.bootstrap import CONFIDENCE, Estimate

EXPONENTS = (0.02, 2.0)  # searched: published ones lie between 0.03 and 0.8
GRID = {1: 161, 2: 41}  # exponents of one axis, by terms
PASSES = 5  # each looks closer at what the one before left
TINY = 1e-12  # of a sum of squares, by which rounding may miss it


def parameters(terms: int, floor: bool) -> int:
    """Numbers that a curve has: 2 a term, 1 more with a floor."""
    return 2 * terms + floor


def obstacle(points: Sequence[Sequence[float]], names: Sequence[str]) -> str | None:
    """Why no curve is drawn through points at these places, as a part of a sentence; None where one is.

    One more place than the curve has numbers is needed: three sizes for a power law, four for a floor.
    Repeats at one place tell of noise, not of the curve. `[[1e8], [1e8], [1e9]]` has two sizes.
    """
    for column, name in zip(zip(*points, strict=True), names, strict=True):
        if len(set(column)) < 3:
            return f"{len(set(column))} of the 3 different {name} that a curve needs"
    places, needed = len({tuple(point) for point in points}), parameters(len(names), False) + 1
    if places < needed:
        return f"{places} of the {needed} different pairs of {' and '.join(names)} that a curve needs"
    return None


def fit(points: Sequence[Sequence[float]], errors: Sequence[float], noise: float = 0.0) -> Fit:
    """The curve through errors at places (parameters, or parameters and pairs); `obstacle` has none to say.

    `noise` is what is known of an error's own standard error, such as that of a mean over test rows.
    """
    place_NK, error_N = np.asarray(points, float), np.asarray(errors, float)
    places = len(np.unique(place_NK, axis=0))
    floor = places > parameters(place_NK.shape[1], True)
    return Fit(place_NK, error_N, floor, noise)


@dataclass(frozen=True)
class _Solved:
    """Least squares with the coefficients `columns` alone, for every exponent of the grid."""

    columns: tuple[int, ...]
    coefficient_GS: np.ndarray
    covariance_GSS: np.ndarray  # without the variance
    squares_G: np.ndarray


@dataclass(frozen=True)
class Fit:
    """A fitted curve. `floor` is whether it has one."""

    place_NK: np.ndarray
    error_N: np.ndarray
    floor: bool
    noise: float

    @property
    def freedom(self) -> int:
        """Points less the curve's numbers."""
        return len(self.error_N) - parameters(self.place_NK.shape[1], self.floor)

    def exponents(self) -> list[Estimate]:
        """One a term, with its interval."""
        low_K, high_K = self._region[0].min(axis=0), self._region[0].max(axis=0)
        bounds = zip(self._best[0], low_K, high_K, strict=True)
        return [Estimate(float(b), (float(min(b, low)), float(max(b, high)))) for b, low, high in bounds]

    def limit(self) -> Estimate | None:
        """The floor: the error of an endless student. None for a curve without one."""
        if not self.floor:
            return None
        row_P = np.zeros(len(self._best[1]))
        row_P[0] = 1.0
        found = self._estimate(np.broadcast_to(row_P, (len(self._region[0]), len(row_P))), row_P, 0.0)
        low, high = found.interval or (0.0, 0.0)
        return Estimate(found.value, (max(low, 0.0), high))

    def at(self, *place: float) -> Estimate:
        """The curve's own error at a place, with the interval of the curve."""
        return self._estimate(
            self._row(place, self._region[0]), self._row(place, self._best[0][None])[0], 0.0
        )

    def forecast(self, *place: float) -> Estimate:
        """The error that one more student would have there, with the interval of one more point."""
        return self._estimate(
            self._row(place, self._region[0]), self._row(place, self._best[0][None])[0], 1.0
        )

    def residual(self) -> float:
        """Root mean square of the points' distance from the curve, by degrees of freedom."""
        return float(np.sqrt(self._best[2] / self.freedom))

    def _row(self, place: Sequence[float], exponent_GK: np.ndarray) -> np.ndarray:
        """What multiplies the coefficients at a place, for each exponent of a grid (G, P)."""
        power_GK = (np.asarray(place, float) / self._middle_K) ** -exponent_GK
        ones_G1 = np.ones((len(exponent_GK), 1 if self.floor else 0))
        return np.concatenate([ones_G1, power_GK], axis=1)

    @cached_property
    def _middle_K(self) -> np.ndarray:
        """Places are divided by their geometric mean, so that coefficients have the size of errors."""
        return np.exp(np.log(self.place_NK).mean(axis=0))

    def _design(self, exponent_GK: np.ndarray) -> np.ndarray:
        return np.stack([self._row(place, exponent_GK) for place in self.place_NK], axis=1)

    @cached_property
    def _best(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Exponents, coefficients and sum of squares of the best curve."""
        axis = np.geomspace(*EXPONENTS, 15)
        starts = list(product(axis, repeat=self.place_NK.shape[1]))
        start = min(starts, key=lambda exponents: self._squares(np.asarray(exponents)))
        found = minimize(
            self._squares, start, method="Nelder-Mead", bounds=[EXPONENTS] * len(start),
            options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 2_000},
        )  # fmt: skip
        coefficients, norm = nnls(self._design(found.x[None])[0], self.error_N)
        return found.x, coefficients, float(norm**2)

    def _squares(self, exponent_K: np.ndarray) -> float:
        return float(nnls(self._design(exponent_K[None])[0], self.error_N)[1] ** 2)

    @cached_property
    def _bound(self) -> float:
        """The sum of squares up to which a curve fits nearly as well as the best one."""
        best, scale = self._best[2], float(self.error_N @ self.error_N)
        spread = best / self.freedom * f.ppf(CONFIDENCE, 1, self.freedom)
        known = self.noise**2 * chi2.ppf(CONFIDENCE, 1)
        return float(best + max(spread, known) + TINY * scale)

    @cached_property
    def _region(self) -> tuple[np.ndarray, list[_Solved]]:
        """Exponents of the curves that fit nearly as well (G, K), and their solutions."""
        terms = self.place_NK.shape[1]
        box = [EXPONENTS] * terms
        for _ in range(PASSES):
            axes = [np.geomspace(low, high, GRID[terms]) for low, high in box]
            grid_GK = np.array([*product(*axes), self._best[0]])
            solved = [self._solved(grid_GK, columns) for columns in self._subsets()]
            fits_G = np.min([_feasible(one) for one in solved], axis=0) <= self._bound
            box = [_around(axis, grid_GK[fits_G, term]) for term, axis in enumerate(axes)]
        kept = [
            _Solved(
                one.columns, one.coefficient_GS[fits_G], one.covariance_GSS[fits_G], one.squares_G[fits_G]
            )
            for one in solved
        ]
        return grid_GK[fits_G], kept

    def _subsets(self) -> list[tuple[int, ...]]:
        """Which coefficients are not 0: bounds are met by leaving some out."""
        count = self.place_NK.shape[1] + self.floor
        return [columns for size in range(1, count + 1) for columns in combinations(range(count), size)]

    def _solved(self, grid_GK: np.ndarray, columns: tuple[int, ...]) -> _Solved:
        design_GNS = self._design(grid_GK)[:, :, list(columns)]
        inverse_GSN = np.linalg.pinv(design_GNS)
        coefficient_GS = inverse_GSN @ self.error_N
        missed_GN = np.einsum("gns,gs->gn", design_GNS, coefficient_GS) - self.error_N
        covariance_GSS = inverse_GSN @ inverse_GSN.transpose(0, 2, 1)
        return _Solved(columns, coefficient_GS, covariance_GSS, (missed_GN**2).sum(axis=1))

    def _estimate(self, row_GP: np.ndarray, best_P: np.ndarray, noisy: float) -> Estimate:
        """A linear combination of the coefficients: its best value and all values that fit nearly as well."""
        value = float(best_P @ self._best[1])
        ends = [_ends(one, row_GP[:, list(one.columns)], self._bound, noisy) for one in self._region[1]]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
        return Estimate(value, (min(low, value), max(high, value)))


def _feasible(one: _Solved) -> np.ndarray:
    """Sums of squares where no coefficient is negative, else infinity."""
    return np.where((one.coefficient_GS >= 0).all(axis=1), one.squares_G, np.inf)


def _around(axis: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """The part of an axis that holds the values, and one step more to each side."""
    first, last = np.searchsorted(axis, [inside.min(), inside.max()])
    return float(axis[max(first - 1, 0)]), float(axis[min(last + 1, len(axis) - 1)])


def _ends(one: _Solved, row_GS: np.ndarray, bound: float, noisy: float) -> tuple[float, float]:
    """Smallest and largest value of row @ coefficients with a sum of squares of at most `bound`.

    Moving the value by v - centre moves the coefficients along `turn` and costs (v - centre)^2 / spread; a
    point that is still to be seen (noisy = 1) takes its part of the distance. Coefficients stay above 0.
    """
    turn_GS = np.einsum("gst,gt->gs", one.covariance_GSS, row_GS)
    centre_G = (row_GS * one.coefficient_GS).sum(axis=1)
    spread_G = (row_GS * turn_GS).sum(axis=1) + noisy
    half_G = np.sqrt(np.maximum(bound - one.squares_G, 0) * spread_G)
    with np.errstate(divide="ignore", invalid="ignore"):
        zero_GS = -one.coefficient_GS / turn_GS * spread_G[:, None]
    least_G = np.where(turn_GS > 0, zero_GS, -np.inf).max(axis=1)
    most_G = np.where(turn_GS < 0, zero_GS, np.inf).min(axis=1)
    low_G, high_G = centre_G + np.maximum(-half_G, least_G), centre_G + np.minimum(half_G, most_G)
    stuck_G = ((turn_GS == 0) & (one.coefficient_GS < 0)).any(axis=1)
    fits_G = (one.squares_G <= bound) & (low_G <= high_G) & ~stuck_G
    if not fits_G.any():
        return np.inf, -np.inf
    return float(low_G[fits_G].min()), float(high_G[fits_G].max())
