"""Rows of ids as padded arrays.

Padding is placed and masked by length, never by id, because a padding id may be a real token (GPT-2
pads with its end token).

Names: B rows of a batch, T positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Ids = Sequence[int] | np.ndarray

IGNORE = -100  # the label of a position without a target, as in torch and transformers


def pad_rows(rows: Sequence[Ids], fill: int, side: str = "right") -> np.ndarray:
    """Rows of ids as one int64 array (B, longest), filled with `fill` on `side`.

    Example: rows [[5, 6], [7]] with fill 0 give [[5, 6], [7, 0]], on the left [[5, 6], [0, 7]].
    """
    longest = max(len(row) for row in rows)
    out_BT = np.full((len(rows), longest), fill, dtype=np.int64)
    for out_T, row in zip(out_BT, rows, strict=True):
        begin = longest - len(row) if side == "left" else 0
        out_T[begin : begin + len(row)] = row
    return out_BT


def join_rows(parts: Sequence[Ids], rows: Sequence[Ids] | None) -> Sequence[Ids]:
    """The ids of several pairs one after another; `rows` names the pairs of each row (None: one each).

    Example: parts [5, 6], [7], [8, 9] in rows [0, 2], [1] give [5, 6, 8, 9], [7].
    """
    return parts if rows is None else [np.concatenate([parts[i] for i in row]) for row in rows]


def segments(lengths: Sequence[int], rows: Sequence[Ids]) -> np.ndarray:
    """Which pair of its row a position belongs to, from 1; 0 at padding. int64 (B, longest).

    Example: lengths 2, 1, 2 in rows [0, 2], [1] give [[1, 1, 2, 2], [1, 0, 0, 0]].
    """
    numbers = [np.repeat(np.arange(1, len(row) + 1), [lengths[i] for i in row]) for row in rows]
    return pad_rows(numbers, 0)


def length_mask(rows: Sequence[Ids], side: str = "right") -> np.ndarray:
    """1 at tokens and 0 at padding, by length: a padding id may well be a real token."""
    return pad_rows([np.ones(len(row), dtype=np.int64) for row in rows], 0, side)
