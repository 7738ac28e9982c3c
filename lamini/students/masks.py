"""Who may look at whom where several pairs share a row.

Suffixes: B rows, Q query positions, K key positions, N pairs of all rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad
from transformers import PreTrainedModel

from lamini.students.attention.backends import in_use
from lamini.students.attention.flex import flex_mask
from lamini.students.attention.ranges import key_ranges

# What to call attention for a pair by itself costs, in operations of a forward pass: on two cores a layer of
# t5-micro took 0.46 ms more for a pair of 20 positions, forward and backward.
CALL = 6e6


def block_mask(query_BQ: Tensor, key_BK: Tensor, causal: bool = False) -> Tensor:
    """True where a query may look at a key: the same pair and, with `causal`, not a later position.

    `query_BQ` and `key_BK` number the pairs of each row from 1, with 0 at padding. Padding is never
    looked at by a pair; it looks at everything itself, since a softmax over nothing is NaN, and what
    comes out there reaches neither a pair nor the loss. Returns bool (B, 1, Q, K).

    Pairs 1 1 2 0, causal:
        1 0 0 0
        1 1 0 0
        0 0 1 0
        1 1 1 1
    """
    same_BQK = query_BQ[:, :, None] == key_BK[:, None, :]
    if causal:
        same_BQK = same_BQK.tril()
    return (same_BQK | (query_BQ == 0)[:, :, None])[:, None]


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where `mask` is true, the lowest number elsewhere: what eager attention adds to its scores."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)


def pair_lengths(query_BQ: Tensor, key_BK: Tensor) -> Tensor:
    """The pairs of all rows one after another: positions of each among queries and keys, int64 (1, 1, 2, N).

    Padding stands behind the pairs of its row as a pair of its own, and what is empty on both sides is
    left out. Queries 1 1 2 0 and 1 2 2 2, keys 1 2 2 and 1 1 2:
        2 1 1 1 3
        1 2 0 2 1
    """
    many = int(torch.maximum(query_BQ.max(), key_BK.max())) + 1
    counts_2BN = torch.stack([one_hot(ids_BT, many).sum(1).roll(-1, 1) for ids_BT in (query_BQ, key_BK)])
    lengths_2N = counts_2BN.flatten(1)
    return lengths_2N[:, lengths_2N.any(0)][None, None]


def pair_begins(lengths_112N: Tensor) -> Tensor:
    """Where each pair begins among all positions, and the end: int32 (1, 1, 2, N + 1).

    Lengths 2 1 1 give 0 2 3 4.
    """
    return pad(lengths_112N.cumsum(-1), (1, 0)).to(torch.int32)


def _long(lengths_112N: Tensor, positions: int, width: int) -> bool:
    """Whether what a mask computes between pairs costs more than to go through the pairs one by one.

    `positions` are the pairs of positions that a mask has.
    """
    between = positions - int(lengths_112N.prod(dim=2).sum())
    return 4 * width * between > CALL * lengths_112N.shape[-1]


def packed_mask(model: PreTrainedModel, query_BQ: Tensor, key_BK: Tensor, causal: bool = False) -> Any:
    """The pairs of a packed row apart from each other, in the form that this model's attention takes."""
    attention = in_use(model)
    if attention == "flex":
        return flex_mask(query_BQ, key_BK, causal)
    if attention == "triton":
        return key_ranges(query_BQ, key_BK, causal)
    if attention in ("split", "adaptive", "flash"):
        lengths_112N = pair_lengths(query_BQ, key_BK)
        if attention == "flash":
            return pair_begins(lengths_112N)
        positions = query_BQ.numel() * key_BK.shape[1]
        if attention == "split" or _long(lengths_112N, positions, model.config.hidden_size):
            return lengths_112N
    mask = block_mask(query_BQ, key_BK, causal)
    return additive(mask, model.dtype) if attention == "eager" else mask
