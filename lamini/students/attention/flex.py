"""FlexAttention: blocks of a packed row in which no pair meets itself are never computed (CUDA).

T5's bias depends on nothing but the distance, and beyond `relative_attention_max_distance` on nothing at
all: a table of 2M + 1 numbers a head holds all of it. The score function reads the table, so no bias of
positions (Q, K) exists, forward or backward, and the table has one shape for rows of any length.

Names: B rows, H heads, Q queries, K keys, D width of a head, M longest distance that is told apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from torch.nn.functional import pad


def flex_mask(query_BQ: Tensor, key_BK: Tensor, causal: bool = False) -> BlockMask:
    """The block mask of segments: as `masks.block_mask`, but padding sees padding only."""

    def allowed(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        same = query_BQ[row, query] == key_BK[row, key]
        return same & (query >= key) if causal else same

    batch, queries, keys = len(query_BQ), query_BQ.shape[1], key_BK.shape[1]
    create = _compiled(create_block_mask) if _compiles(query_BQ) else create_block_mask
    mask: Any = create(allowed, batch, None, queries, keys, device=query_BQ.device)
    mask.ndim = 4  # GPT-2 asks for it, as of any mask
    return cast(BlockMask, mask)


def flex(
    query_BHQD: Tensor,
    key_BHKD: Tensor,
    value_BHKD: Tensor,
    mask: BlockMask,
    scale: float | None,
    table_HM: Tensor | None = None,
    window: int | None = None,
) -> Tensor:
    """Attention's output (B, Q, H, D). `table_HM` is added by distance, keys after the query to the right."""
    kernel: Any = _compiled(flex_attention) if _compiles(query_BHQD) else flex_attention
    type_, width = value_BHKD.dtype, query_BHQD.shape[-1]  # rotary positions leave float32 under autocast
    states = (widened(x, 16).to(type_) for x in (query_BHQD, key_BHKD, value_BHKD))
    out_BHQD = kernel(
        *states, score_mod=_score(table_HM, window), block_mask=mask,
        scale=width**-0.5 if scale is None else scale,
        enable_gqa=query_BHQD.shape[1] != key_BHKD.shape[1],
    )  # fmt: skip
    return cast(Tensor, out_BHQD)[..., :width].transpose(1, 2)


def widened(states: Tensor, multiple: int) -> Tensor:
    """Heads as wide as a kernel wants them: zeros change no score, and the output has zeros there.

    With multiple 4, (.., 6) becomes (.., 8).
    """
    missing = -states.shape[-1] % multiple
    return pad(states, (0, missing)) if missing else states


def _score(table_HM: Tensor | None, window: int | None) -> Callable[..., Tensor] | None:
    """What is done to a score."""
    if table_HM is not None:
        reach = table_HM.shape[1] // 2

        def biased(score: Tensor, row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            return score + table_HM[head, (key - query).clamp(-reach, reach) + reach]

        return biased
    if window is None:
        return None

    def near(score: Tensor, row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return torch.where(query - key < window, score, -float("inf"))

    return near


def _compiles(states: Tensor) -> bool:
    """Whether the kernel has to be made here: not on a CPU, nor where the whole model is compiled."""
    return states.is_cuda and not torch.compiler.is_compiling()


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function)
