"""Measures of lexical diversity over sequences of numbered units (paper section 3.3, Table 2).

    MATTR        mean share of different units in a sliding window (Covington and McFall 2010)
    MTLD         mean run until the type-token ratio falls to a threshold (McCarthy and Jarvis 2010)
    distinct-n   different n-grams / all n-grams, none across two texts (Li et al. 2016)
    compression  bytes / bytes after zlib level 6, what gzip does (Shaib et al. 2024): higher is more
    repetitive

MATTR and MTLD hardly depend on the length of a text. Distinct-n falls with it, so compare equal numbers of
units.

Suffixes: W units.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from itertools import chain

import numpy as np

PIECE = 1 << 16
"""Units that stand as Python numbers at a time."""


def mattr(pieces: Iterable[np.ndarray], window: int) -> float | None:
    """Mean type-token ratio of all windows of `window` units of a stream that comes in pieces (int32 (W,)).

    A unit counts in the windows in which it stands first. Units 0 1 0 0 2, windows of 3: 2/3, 2/3, 2/3.
    None where the stream is shorter than a window.
    """
    types = windows = 0
    rest = np.empty(0, np.int32)
    for piece in pieces:
        unit_W = np.concatenate([rest, piece])
        if len(unit_W) >= window:
            types += _types(unit_W, window)
            windows += len(unit_W) - window + 1
            rest = unit_W[len(unit_W) - window + 1 :]
        else:
            rest = unit_W
    return types / (windows * window) if windows else None


def _types(unit_W: np.ndarray, window: int) -> int:
    """Different units of each window, summed over all windows."""
    place_W = np.arange(len(unit_W))
    first_window = np.maximum(np.maximum(previous(unit_W) + 1, place_W - window + 1), 0)
    last_window = np.minimum(place_W, len(unit_W) - window)
    return int(np.maximum(last_window - first_window + 1, 0).sum())


def previous(unit_W: np.ndarray) -> np.ndarray:
    """Where each unit stood last, int64 (W,), -1 for the first time. 5 7 5 5: -1 -1 0 2."""
    key_W = (unit_W.astype(np.int64) << 32) | np.arange(len(unit_W))
    key_W.sort()
    unit, place = key_W >> 32, key_W & 0xFFFFFFFF
    previous_W = np.full(len(unit_W), -1, np.int64)
    again = np.flatnonzero(unit[1:] == unit[:-1])
    previous_W[place[again + 1]] = place[again]
    return previous_W


def mtld(unit_W: np.ndarray, threshold: float) -> float | None:
    """Mean of both directions of units / factors; None without a unit.

    Units 0 0 1 2, threshold 0.72: forward, 0 0 closes a factor (1/2) and 1 2 is none, so 4 / 1; backward, 2
    1 0 0 reaches 3/4, which is (1 - 0.75) / (1 - 0.72) = 0.893 of a factor, so 4 / 0.893; mean 4.24. A text
    that never repeats a unit has no factor and counts as one.
    """
    if not len(unit_W):
        return None
    factors = [_factors(unit_W, threshold), _factors(unit_W[::-1], threshold)]
    return sum(len(unit_W) / (factor or 1.0) for factor in factors) / 2


def _factors(unit_W: np.ndarray, threshold: float) -> float:
    """Runs that fell to the threshold, and the share of one that is left at the end."""
    factors, count, types = 0.0, 0, set[int]()
    pieces = (unit_W[start : start + PIECE].tolist() for start in range(0, len(unit_W), PIECE))
    for unit in chain.from_iterable(pieces):
        count += 1
        types.add(unit)
        if len(types) / count <= threshold:
            factors += 1
            count, types = 0, set()
    return factors + (1 - len(types) / count) / (1 - threshold) if count else factors


def distinct(unit_W: np.ndarray, text_W: np.ndarray, n: int) -> float | None:
    """Different n-grams / all n-grams; `text_W` says to which text a unit belongs. None without an n-gram.

    Texts "0 1 0 1" and "1 0", n=2: 01 10 01 and 10, so 2 / 4.
    """
    if len(unit_W) < n:
        return None
    last = len(unit_W) - n + 1
    inside = text_W[:last] == text_W[n - 1 :]
    gram = np.zeros(int(inside.sum()), np.int64)
    if not len(gram):
        return None
    for step in range(n):  # the n-gram so far as one number, and the next unit
        _, shorter = np.unique(gram, return_inverse=True)
        gram = (shorter << 32) | unit_W[step : step + last][inside]
    return len(np.unique(gram)) / len(gram)


def compression(texts: list[str]) -> float | None:
    """Bytes of the texts, a line break behind each, / bytes after zlib level 6. None without a text."""
    content = "".join(f"{text}\n" for text in texts).encode()
    return len(content) / len(zlib.compress(content, 6)) if content else None
