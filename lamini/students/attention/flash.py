"""flash-attn's kernel for rows of several pairs: it is told where each pair begins, and needs no mask.

Names: B rows, H heads, T positions, D width of a head, P positions of all rows, N pairs.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from torch import Tensor


def installed() -> bool:
    """Whether the package is there."""
    return find_spec("flash_attn") is not None


def flash(
    query_BHTD: Tensor,
    key_BHTD: Tensor,
    value_BHTD: Tensor,
    begins_112N: Tensor,
    causal: bool,
    dropout: float,
    scale: float | None,
    window: int | None,
) -> Tensor:
    """Attention's output (B, T, H, D); `begins_112N` are where the pairs begin, and at last where all end.

    The longest pair is said to be as long as a row: an upper bound costs blocks that end at once, the true
    length would cost a wait for the device in every layer.
    """
    kernel: Any = import_module("flash_attn").flash_attn_varlen_func
    type_ = value_BHTD.dtype  # rotary positions leave float32 under autocast
    states = [x.transpose(1, 2).flatten(0, 1).to(type_) for x in (query_BHTD, key_BHTD, value_BHTD)]
    queries, keys = begins_112N[0, 0].contiguous()
    out_PHD = kernel(
        *states, queries, keys, query_BHTD.shape[2], key_BHTD.shape[2], dropout_p=dropout,
        softmax_scale=scale, causal=causal, window_size=(-1, -1) if window is None else (window - 1, 0),
    )  # fmt: skip
    batch, heads, length, _ = query_BHTD.shape
    return cast(Tensor, out_PHD).view(batch, length, heads, -1)
