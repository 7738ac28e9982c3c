"""Spread of sets whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest

from lamini.analysis.spread import bounds, distance, vendi


def directions(*counts: int, width: int = 8) -> np.ndarray:
    """Unit vectors: counts[k] rows along axis k."""
    return np.repeat(np.eye(width, dtype=np.float32)[: len(counts)], counts, axis=0)


def test_worked_examples() -> None:
    assert distance(directions(2, 1)) == pytest.approx(2 / 3)
    assert vendi(directions(2, 2)) == pytest.approx(2)


@pytest.mark.parametrize("clusters", [1, 2, 5, 8])
def test_equal_clusters_have_as_much_spread_as_there_are(clusters: int) -> None:
    vector_ND = directions(*[20] * clusters)
    rows = 20 * clusters
    assert vendi(vector_ND) == pytest.approx(clusters)
    assert distance(vector_ND) == pytest.approx(1 - (20 - 1) / (rows - 1), abs=1e-6)


def test_distance_is_the_mean_over_all_pairs() -> None:
    random = np.random.default_rng(0)
    vector_ND = random.normal(size=(40, 6))
    vector_ND /= np.linalg.norm(vector_ND, axis=1, keepdims=True)
    cosine = vector_ND @ vector_ND.T
    pairs = 1 - cosine[~np.eye(40, dtype=bool)]
    assert distance(vector_ND) == pytest.approx(pairs.mean())
    low, high = bounds(vector_ND, 0) or (0, 0)
    assert low < pairs.mean() < high


def test_the_interval_covers_what_is_true_and_narrows() -> None:
    """Unit vectors in all directions: the mean distance is 1, in 19 of 20 intervals."""

    def drawn(rows: int, seed: int) -> np.ndarray:
        vector_ND = np.random.default_rng(seed).normal(size=(rows, 5))
        return vector_ND / np.linalg.norm(vector_ND, axis=1, keepdims=True)

    hits = [low < 1 < high for low, high in (bounds(drawn(100, seed), seed) or (0, 0) for seed in range(40))]
    assert sum(hits) >= 33
    few, many = (bounds(drawn(rows, 1), 0) or (0, 0) for rows in (50, 800))
    assert many[1] - many[0] < (few[1] - few[0]) / 2


def test_the_wider_set_is_told_by_both() -> None:
    random = np.random.default_rng(0)
    base = np.zeros(32)
    base[0] = 1
    sets = [base + scale * random.normal(size=(300, 32)) for scale in (0.05, 0.3)]
    narrow, wide = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in sets)
    assert (distance(narrow) or 0) < (distance(wide) or 0) / 5
    assert (vendi(narrow) or 0) < (vendi(wide) or 0) / 2
    assert (bounds(narrow, 0) or (0, 9))[1] < (bounds(wide, 0) or (0, 9))[0]


def test_what_is_too_small_has_no_value() -> None:
    assert distance(directions(1)) is None
    assert bounds(directions(9), 0) is None
    assert vendi(directions(0)) is None
