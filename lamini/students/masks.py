"""Who may look at whom where several pairs share a row.

Suffixes: B rows, Q query positions, K key positions.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel


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


def packed_mask(model: PreTrainedModel, query_BQ: Tensor, key_BK: Tensor, causal: bool = False) -> Tensor:
    """The block mask in the form that this model's attention takes."""
    mask = block_mask(query_BQ, key_BK, causal)
    return mask if model.config._attn_implementation == "sdpa" else additive(mask, model.dtype)
