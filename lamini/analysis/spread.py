"""How far the meanings of a set lie apart, as one number, so that two sets can be compared.

    distance   mean cosine distance of two different rows: 0 all alike, 1 unrelated, however many rows
    vendi      exp of the entropy of the similarity matrix's eigenvalues (Friedman and Dieng 2023): how many
               unrelated rows would be as diverse; grows with the number of rows, so take equal numbers

Both need no matrix of all pairs: the first is a formula of the sum of the vectors, the second has the
eigenvalues of a D x D matrix. Bounds come from a bootstrap over rows.

Suffixes: N rows, D dimensions, B bootstrap draws.
"""

from __future__ import annotations

import numpy as np

DRAWS = 200


def distance(vector_ND: np.ndarray) -> float | None:
    """Mean of 1 - cosine over all pairs of different rows; None below two rows.

    Rows (1,0) (1,0) (0,1) have the pairs 0, 1, 1, so 2/3.
    """
    rows = len(vector_ND)
    if rows < 2:
        return None
    return _distance(vector_ND, np.ones(rows), _lengths(vector_ND))


def _lengths(vector_ND: np.ndarray) -> np.ndarray:
    """Squared length of each row, float64 (N,): 1, or 0 for a row without a known word."""
    return np.einsum("nd,nd->n", vector_ND, vector_ND, dtype=np.float64)


def _distance(vector_ND: np.ndarray, count_N: np.ndarray, length_N: np.ndarray) -> float:
    """The same where row i stands count_N[i] times, and is not paired with itself, however often drawn."""
    total = float(((count_N.astype(vector_ND.dtype) @ vector_ND).astype(np.float64) ** 2).sum())
    same = float(count_N.astype(np.float64) ** 2 @ length_N)
    pairs = float(count_N.sum()) ** 2 - float((count_N**2).sum())
    return 1 - (total - same) / pairs


def bounds(vector_ND: np.ndarray, seed: int, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile bootstrap interval of `distance`; None below ten rows."""
    rows = len(vector_ND)
    if rows < 10:
        return None
    random = np.random.default_rng(seed)
    length_N = _lengths(vector_ND)
    draws_B = [
        _distance(vector_ND, np.bincount(random.integers(rows, size=rows), minlength=rows), length_N)
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(draws_B, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def vendi(vector_ND: np.ndarray) -> float | None:
    """Effective number of unrelated rows. Two rows each of two orthogonal directions: 2. None if empty."""
    if not len(vector_ND):
        return None
    wide = vector_ND.astype(np.float64)
    eigenvalue_D = np.linalg.eigvalsh(wide.T @ wide / len(wide))
    positive = eigenvalue_D[eigenvalue_D > 1e-12]
    return float(np.exp(-(positive * np.log(positive)).sum()))
