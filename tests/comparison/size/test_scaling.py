"""Curves: made-up laws are found again, intervals hold what they promise, too few points give no curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, least_squares

from lamini.comparison.size import scaling
from lamini.comparison.size.scaling import Fit, fit, obstacle

SIZES = [61e6, 223e6, 738e6, 2.85e9, 11.3e9]
CEREBRAS = ([[111e6], [256e6], [590e6], [1.3e9]], [54.5, 51.1, 47.4, 44.6])  # the paper's, 100 less the mean


def law(size: float, floor: float = 30.0, share: float = 25.0, exponent: float = 0.3) -> float:
    return floor + share * (size / 3e8) ** -exponent


@pytest.mark.parametrize("exponent", [0.05, 0.3, 0.9])
def test_a_law_without_noise_is_found_again_and_goes_on(exponent: float) -> None:
    found = fit([[size] for size in SIZES], [law(size, exponent=exponent) for size in SIZES])
    (one,), floor = found.exponents(), found.limit()
    assert one.value == pytest.approx(exponent, abs=1e-3)
    assert floor is not None and floor.value == pytest.approx(30.0, abs=0.1)
    assert found.forecast(4e10).value == pytest.approx(law(4e10, exponent=exponent), abs=0.02)


def test_a_law_of_size_and_data_is_found_again() -> None:
    """Hoffmann et al.'s form, on a grid of four sizes and four amounts of data."""
    places = [[size, pairs] for size in SIZES[:4] for pairs in (1e4, 5e4, 3e5, 2e6)]

    def both(size: float, pairs: float) -> float:
        return 20 + 15 * (size / 3e8) ** -0.35 + 12 * (pairs / 1e5) ** -0.25

    found = fit(places, [both(*place) for place in places])
    first, second = found.exponents()
    assert (first.value, second.value) == (pytest.approx(0.35, abs=0.02), pytest.approx(0.25, abs=0.02))
    assert found.forecast(1.1e10, 2e6).value == pytest.approx(both(1.1e10, 2e6), abs=0.1)


def test_the_forecast_of_one_more_student_lies_inside_as_often_as_promised() -> None:
    """120 herds of four sizes and three seeds: 95 % of the next sizes, give or take three standard errors."""
    rng, inside = np.random.default_rng(7), 0
    sizes = np.repeat(SIZES[:4], 3)
    for _ in range(120):
        found = fit([[size] for size in sizes], [law(size) + rng.normal(0, 0.7) for size in sizes])
        low, high = found.forecast(SIZES[4]).interval or (0.0, 0.0)
        inside += low <= law(SIZES[4]) + rng.normal(0, 0.7) <= high
    assert 106 <= inside < 120


def test_the_ends_are_where_one_more_point_would_fit_as_badly_as_is_allowed() -> None:
    """By another way: refit with a made-up point until the sum of squares reaches the bound."""
    points, errors = CEREBRAS
    found = fit(points, errors, noise=0.45)
    low, high = found.forecast(2.7e9).interval or (0.0, 0.0)
    value = found.forecast(2.7e9).value
    assert value is not None

    def over(error: float) -> float:
        return squares([*points, [2.7e9]], [*errors, error]) - found._bound

    assert low == pytest.approx(brentq(over, value - 30, value, xtol=1e-4), abs=0.03)
    assert high == pytest.approx(brentq(over, value, value + 30, xtol=1e-4), abs=0.03)


def squares(points: list[list[float]], errors: list[float]) -> float:
    """The least sum of squares within the same bounds, by a general optimiser from many starts."""
    size = np.array(points)[:, 0] / 4e8

    def missed(told: np.ndarray) -> np.ndarray:
        return told[0] + told[1] * size ** -told[2] - np.array(errors)

    found = [
        least_squares(missed, [floor, 50.0 - floor, exponent], bounds=([0, 0, 0.02], [100, 500, 2]))
        for floor in (0.01, 20.0, 40.0)
        for exponent in (0.03, 0.2, 0.8, 1.6)
    ]
    return float(2 * min(one.cost for one in found))


def test_a_line_is_as_wide_as_the_scores_own_errors_even_where_the_points_fit_by_luck() -> None:
    points, errors = [[1e8], [3e8], [9e8]], [50.0, 45.0, 40.5]  # a power law: no distance at all
    lucky, honest = fit(points, errors), fit(points, errors, noise=0.5)
    assert lucky.residual() < 0.01
    widths = [np.ptp(one.forecast(2.7e9).interval) for one in (lucky, honest)]
    assert widths[0] < 0.2 and widths[1] > 2 * 1.96 * 0.5


def test_bigger_and_worse_is_a_flat_line_and_no_rising_one() -> None:
    found = fit([[size] for size in SIZES], [40.0, 41.0, 42.0, 43.0, 44.0])
    assert found.forecast(4e10).value == pytest.approx(42.0, abs=0.1)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([[1e8], [1e8], [1e9]], "2 of the 3 different sizes that a curve needs"),
        ([[1e8], [3e8], [1e9]], None),
        ([[1e8, 1e4], [3e8, 2e4], [1e9, 4e4], [1e8, 2e4]], "4 of the 5 different pairs of sizes and amounts"),
        ([[1e8, 1e4], [3e8, 1e4], [1e9, 1e4]], "1 of the 3 different amounts"),
    ],
)
def test_too_few_places_have_no_curve(points: list[list[float]], told: str | None) -> None:
    found = obstacle(points, ["sizes", "amounts"][: len(points[0])])
    assert found == told if told is None else found is not None and found.startswith(told)


def test_a_floor_needs_four_sizes_however_many_seeds() -> None:
    three = fit(
        [[size] for size in SIZES[:3] for _ in range(5)], [law(size) for size in SIZES[:3] for _ in range(5)]
    )
    four = fit([[size] for size in SIZES[:4]], [law(size) for size in SIZES[:4]])
    assert (three.floor, three.freedom, three.limit()) == (False, 13, None)
    assert (four.floor, four.freedom) == (True, 1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(5, 95), min_size=4, max_size=7),
    st.floats(0, 2),
    st.floats(1e-3, 1e3),
)
def test_intervals_hold_their_value_and_the_unit_of_size_does_not_matter(
    errors: list[float], noise: float, unit: float
) -> None:
    sizes = [1e8 * 2.5**n for n in range(len(errors))]
    found: Fit = fit([[size] for size in sizes], errors, noise)
    scaled = fit([[size * unit] for size in sizes], errors, noise)
    for one, other in (
        (found.at(1e9), scaled.at(1e9 * unit)),
        (found.forecast(1e10), scaled.forecast(1e10 * unit)),
    ):
        assert one.value is not None and one.interval is not None and other.interval is not None
        assert one.interval[0] <= one.value <= one.interval[1]
        assert one.interval == pytest.approx(other.interval, rel=1e-2, abs=0.2)
    curve, point = found.at(1e10).interval, found.forecast(1e10).interval
    assert curve and point and point[0] <= curve[0] + 1e-6 and curve[1] <= point[1] + 1e-6
    for exponent in found.exponents():
        low, high = exponent.interval or (0.0, 0.0)
        assert scaling.EXPONENTS[0] - 1e-9 <= low <= high <= scaling.EXPONENTS[1] + 1e-9
