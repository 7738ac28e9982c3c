"""Sums over response tokens in chunks: what a chunk needs (logits of both models) never exists for all.

Names: R response tokens, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Logits of one model held at once: 2**25 in fp32 are 128 MiB. Both models' logits, their log-probabilities
# and the products of a divergence are alive together, some eight such tensors in the backward pass.
CHUNK_LOGITS = 2**25


def summed(function: Callable[..., Tensor], vocabulary: int, *tensors: Tensor) -> Tensor:
    """The sum of `function(*chunk)` over chunks of the first dimension (R) of `tensors`, which they share.

    Where one chunk does not hold everything, each is computed again in the backward pass.
    """
    sizes = {len(tensor) for tensor in tensors}
    assert len(sizes) == 1, f"student and teacher differ in their response tokens: {sorted(sizes)}"
    rows = max(1, CHUNK_LOGITS // vocabulary)
    if len(tensors[0]) <= rows:
        return function(*tensors)
    chunks = zip(*(tensor.split(rows) for tensor in tensors), strict=True)
    parts = [checkpoint(function, *c, use_reentrant=False, preserve_rng_state=False) for c in chunks]
    return torch.stack(parts).sum()
