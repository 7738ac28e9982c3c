"""Rows of ids as padded arrays, and the summed loss of response tokens.

Padding is placed and masked by length, never by id, because a padding id may be a real token (GPT-2
pads with its end token).

Names: B rows of a batch, T positions, D width, R response tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

Ids = Sequence[int] | np.ndarray

IGNORE = -100  # the label of a position without a target, as in torch and transformers

# Logits held at once: 2**28 in fp32 are 1 GiB. More response tokens than that fit go through the
# head in chunks whose logits are computed again in the backward pass.
CHUNK_LOGITS = 2**28


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


def token_losses(head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor) -> Tensor:
    """Summed cross-entropy of some response tokens, in fp32 whatever the head computes in."""
    return nn.functional.cross_entropy(head(hidden_RD).float(), labels_R, reduction="sum")


def summed_loss(head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor) -> Tensor:
    """Summed cross-entropy of all response tokens with at most CHUNK_LOGITS logits alive."""
    rows = max(1, CHUNK_LOGITS // head.weight.shape[0])
    if len(labels_R) <= rows:
        return token_losses(head, hidden_RD, labels_R)
    chunks = zip(hidden_RD.split(rows), labels_R.split(rows), strict=True)
    parts = [checkpoint(token_losses, head, *chunk, use_reentrant=False) for chunk in chunks]
    return torch.stack(parts).sum()
