"""FlashAttention for rows of several pairs: it is told where each pair begins, and needs no mask (CUDA).

torch brings the kernel (FlashAttention-2, arXiv:2307.08691), so nothing has to be installed. Its public door,
`torch.nn.attention.varlen`, drops no attention weights, as GPT-2's published configurations do; this is the
operator behind it, which does.

Names: B rows, H heads, T positions, D width of a head, P positions of all rows, N pairs.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from lamini.students.attention.flex import widened

CAPABILITY = (8, 0)  # Ampere: the first that torch's kernel is compiled for


def available() -> bool:
    """Whether the CUDA device can run it."""
    return torch.version.hip is None and torch.cuda.get_device_capability() >= CAPABILITY


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
    batch, heads, length, width = query_BHTD.shape
    type_ = value_BHTD.dtype  # rotary positions leave float32 under autocast
    wide = (widened(x, 8) for x in (query_BHTD, key_BHTD, value_BHTD))
    states = [x.transpose(1, 2).flatten(0, 1).to(type_) for x in wide]
    queries, keys = begins_112N[0, 0].contiguous()
    out_PHD = torch.ops.aten._flash_attention_forward(
        *states, queries, keys, length, key_BHTD.shape[2], dropout, causal, False,
        scale=width**-0.5 if scale is None else scale,
        window_size_left=None if window is None else window - 1,
        window_size_right=None if window is None else 0,
    )[0]  # fmt: skip
    return cast(Tensor, out_PHD).view(batch, length, heads, -1)[..., :width]
