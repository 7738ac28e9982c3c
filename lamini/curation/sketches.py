"""MinHash sketches and their bands: near-duplicates found without comparing every text with every other.

A sketch has P slots; two sets agree in a slot with the probability of their Jaccard similarity. The slots are
cut into bands, and texts that agree in all slots of some band are candidates. `rensa` (Rust) computes the
slots; the bands are ours, because candidates must be looked at one by one and its index answers only by yes
or no.

Of a slot one byte is kept: 128 bytes a text, at the price of 1 in 256 slots agreeing by accident. Of a band a
64-bit hash is kept.

Suffixes: N texts, S shingles, P slots, B bands.
"""

from __future__ import annotations

import math

import numpy as np
from rensa import RMinHash

from lamini.curation.shingles import mixed

SEED = 42  # of the permutations: the same sketches on every machine
RECALL = 0.98  # of the pairs exactly at the threshold that share a band; above it the share tends to 1
SLACK = 3  # standard deviations below the threshold that a sketch may be for the pair to be compared exactly


def layout(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands and slots in a band: the longest bands that still find RECALL of the pairs at the threshold.

    Long bands let fewer dissimilar pairs through. At 0.8 with 128 slots: 18 bands of 7, since
    1 - (1 - 0.8^7)^18 = 0.986, where 16 bands of 8 find 0.947.

    >>> layout(0.8, 128)
    (18, 7)
    """
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            return bands, rows
    return permutations, 1


def slots_needed(threshold: float, permutations: int) -> int:
    """Agreeing slots below which a pair is not compared exactly: SLACK standard deviations below the mean.

    0.8 with 128 slots: 128 * (0.8 - 3 * sqrt(0.8 * 0.2 / 128)) = 88.8, so 88.
    """
    deviation = math.sqrt(threshold * (1 - threshold) / permutations)
    return max(0, math.floor(permutations * (threshold - SLACK * deviation)))


def sketches(hash_S: np.ndarray, offsets: np.ndarray, permutations: int) -> np.ndarray:
    """MinHash slots of each text, uint32 (N, P), from the hashes of its shingles."""
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hash_S, offsets, permutations, SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(offsets) - 1, permutations)


def band_hashes(slots_NP: np.ndarray, bands: int, rows: int, group_N: np.ndarray) -> np.ndarray:
    """A hash of every band, uint64 (N, B). Texts of different `group` never share one."""
    cut = slots_NP[:, : bands * rows].reshape(-1, bands, rows).astype(np.uint64)
    hash_NB = np.repeat(group_N.astype(np.uint64)[:, None], bands, axis=1)
    for row in range(rows):
        hash_NB = mixed(hash_NB, cut[:, :, row] + np.uint64(1))
    return hash_NB
