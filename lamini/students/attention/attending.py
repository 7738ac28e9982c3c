"""One attention for all masks: what the mask is decides which kernel runs.

    None         nothing is hidden but, in causal attention, what comes later
    bool         (B, 1 or H, Q, K), true where a query may look
    int32        (1, 1, 4, P), the range of keys that each query looks at (attention/ranges.py)
    int          (1, 1, 2, N), the lengths of the pairs of all rows one after another: of their queries
                 and of their keys; a pair is alone, so this needs no mask of positions
    int16        (B, 1, Q, K), how far back a key is on the way to its query, which may be no neighbour in
                 the row (lamini/students/branches.py); -1 where a query may not look
    BlockMask    of FlexAttention

Names: B rows, H heads, Q queries, K keys, D width of a head, P positions of all rows, N pairs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask

from lamini.students.attention.flash import flash
from lamini.students.attention.flex import flex
from lamini.students.attention.ranges import are_ranges, ranged
from lamini.students.branches import is_distances, seen


def by_kernel(mask: Any) -> bool:
    """Whether the mask is of a kind that torch's scaled_dot_product_attention does not take."""
    return isinstance(mask, BlockMask) or (mask is not None and mask.dtype in (torch.int64, torch.int32))


def attend(
    query_BHQD: Tensor,
    key_BHKD: Tensor,
    value_BHKD: Tensor,
    mask: Any,
    causal: bool,
    dropout: float = 0.0,
    scale: float | None = None,
    bias: Tensor | None = None,
    window: int | None = None,
) -> Tensor:
    """Attention's output (B, Q, H, D).

    `bias` is added to the scores: of positions (1, H, Q, K), already merged with a mask of positions, or,
    with a BlockMask or ranges, of distances (H, 2M + 1). With `window` a query sees itself and the
    `window` - 1 keys before it.
    """
    if isinstance(mask, BlockMask):
        return flex(query_BHQD, key_BHKD, value_BHKD, mask, scale, bias, window)
    if are_ranges(mask):
        return ranged(query_BHQD, key_BHKD, value_BHKD, mask, dropout, scale, bias, window)
    if not by_kernel(mask):
        if is_distances(mask):
            mask, window = seen(mask, window), None
        states = (query_BHQD, key_BHKD, value_BHKD)
        return positions(*states, mask, causal, dropout, scale, bias, window).transpose(1, 2)
    if mask.dtype == torch.int32:
        return flash(query_BHQD, key_BHKD, value_BHKD, mask, causal, dropout, scale, window)
    return split(query_BHQD, key_BHKD, value_BHKD, mask, causal, dropout, scale, bias, window)


def positions(
    query_BHQD: Tensor,
    key_BHKD: Tensor,
    value_BHKD: Tensor,
    mask: Tensor | None,
    causal: bool,
    dropout: float = 0.0,
    scale: float | None = None,
    bias: Tensor | None = None,
    window: int | None = None,
) -> Tensor:
    """torch's scaled_dot_product_attention (B, H, Q, D), causal where no mask says what may be seen."""
    queries, keys = query_BHQD.shape[2], key_BHKD.shape[2]
    if bias is not None and _by_memory(value_BHKD, bias):
        return with_bias(query_BHQD, key_BHKD, value_BHKD, bias, dropout, scale)
    if bias is not None:
        mask, causal = bias, False
    elif window is not None and keys > window:
        near = band(queries, keys, window, query_BHQD.device)
        mask, causal = (near if mask is None else mask & near), False
    return F.scaled_dot_product_attention(
        query_BHQD, key_BHKD, value_BHKD, attn_mask=mask, dropout_p=dropout, scale=scale,
        is_causal=causal and mask is None and queries > 1,
    )  # fmt: skip


def _by_memory(value_BHKD: Tensor, bias: Tensor) -> bool:
    """Whether the kernel with a bias takes these: half precision on CUDA, rows that begin at 16 bytes."""
    half = value_BHKD.is_cuda and value_BHKD.dtype in (torch.bfloat16, torch.float16)
    return half and bias.requires_grad and bias.shape[-1] % 8 == 0 and value_BHKD.shape[-1] % 8 == 0


def with_bias(
    query_BHQD: Tensor,
    key_BHKD: Tensor,
    value_BHKD: Tensor,
    bias: Tensor,
    dropout: float,
    scale: float | None,
) -> Tensor:
    """torch's memory-efficient kernel (B, H, Q, D), which has a gradient for the bias.

    scaled_dot_product_attention goes back to scores written out in fp32 where a bias wants a gradient: on an
    H100 that was most of the time of a step of T5-base.
    """
    bias_BHQK = bias.to(value_BHKD.dtype).contiguous().expand(*query_BHQD.shape[:3], key_BHKD.shape[2])
    states = (query_BHQD.to(value_BHKD.dtype), key_BHKD.to(value_BHKD.dtype), value_BHKD)
    out_BHQD: Tensor = torch.ops.aten._scaled_dot_product_efficient_attention(
        *states, bias_BHQK, True, dropout, False, scale=scale
    )[0]
    return out_BHQD


def band(queries: int, keys: int, window: int, device: torch.device) -> Tensor:
    """True where a key is one of the `window` last up to the query (Q, K); the queries are the last keys.

    Three queries, four keys, window 2:
        0 1 0 0      wait: query 1 of 4
    """
    query_Q1 = torch.arange(keys - queries, keys, device=device)[:, None]
    key_K = torch.arange(keys, device=device)
    return (key_K <= query_Q1) & (query_Q1 - key_K < window)


def split(
    query_BHQD: Tensor,
    key_BHKD: Tensor,
    value_BHKD: Tensor,
    lengths_112N: Tensor,
    causal: bool,
    dropout: float,
    scale: float | None,
    bias_1HLL: Tensor | None,
    window: int | None,
) -> Tensor:
    """Each pair by itself; (B, Q, H, D).

    A loop over pairs is cheap beside what a mask wastes on a CPU: attention between all pairs of a row.
    """
    queries, keys = lengths_112N[0, 0].tolist()
    parts = zip(
        flat(query_BHQD).split(queries), flat(key_BHKD).split(keys), flat(value_BHKD).split(keys), strict=True
    )
    out = []
    for part in parts:
        query_1HQD, key_1HKD, value_1HKD = (states.transpose(0, 1)[None] for states in part)
        many, seen = query_1HQD.shape[2], key_1HKD.shape[2]
        if not many or not seen:  # padding on one side only
            out.append(torch.zeros_like(part[0]))
            continue
        near = None if bias_1HLL is None else bias_1HLL[:, :, :many, :seen]
        key_1HKD, value_1HKD = (_repeated(x, query_1HQD.shape[1]) for x in (key_1HKD, value_1HKD))
        found = positions(query_1HQD, key_1HKD, value_1HKD, None, causal, dropout, scale, near, window)
        out.append(found[0].transpose(0, 1))
    batch, _, length, _ = query_BHQD.shape
    return torch.cat(out).view(batch, length, query_BHQD.shape[1], -1)


def flat(states_BHTD: Tensor) -> Tensor:
    """The positions of all rows one after another (P, H, D)."""
    return states_BHTD.transpose(1, 2).flatten(0, 1)


def _repeated(states_1HKD: Tensor, heads: int) -> Tensor:
    """Keys or values for each of the query heads, which share them in groups."""
    groups = heads // states_1HKD.shape[1]
    return states_1HKD if groups == 1 else states_1HKD.repeat_interleave(groups, dim=1)


def merged(bias_1HQK: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """A bias with the lowest number where a query may not look (B or 1, H, Q, K)."""
    if mask is None and not causal:
        return bias_1HQK
    if mask is None:
        queries, keys = bias_1HQK.shape[-2:]
        mask = torch.ones(queries, keys, dtype=torch.bool, device=bias_1HQK.device).tril(keys - queries)
    return torch.where(mask, bias_1HQK, torch.finfo(lowest_type(bias_1HQK)).min)


def lowest_type(states: Tensor) -> torch.dtype:
    """The type that a matrix multiplication will have: a lower one under autocast."""
    kind = states.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
