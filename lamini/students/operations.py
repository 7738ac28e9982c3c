"""Floating-point operations that real tokens need: what MFU counts, and what a forecast of time rests on.

A weight of a matrix costs 2 operations a position forward and 4 backward, 2 of them for its own gradient,
which a frozen weight does without: 6 a weight (PaLM, arXiv:2204.02311, appendix B; nanoGPT's estimate_mfu).
Embeddings are looked up and cost nothing. Attention costs 12 a layer, unit of width and pair of positions:
2 products of 2 operations, forward once and backward twice.

Stricter than both sources: the head counts where it runs, at response positions; padding and recomputation
count nowhere; and only those pairs of positions count that may look at each other, so causal attention costs
half of PaLM's. The share of the peak that comes out is the smaller for it, never the larger.

Suffixes: N pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from torch import nn
from transformers import PreTrainedModel

ATTENTION = 12  # operations a layer, unit of width and pair of positions that look at each other

Operations = Callable[[np.ndarray, np.ndarray], float]
"""(prompt lengths, response lengths) of pairs -> operations of a forward and backward pass over them."""


def of_matrices(model: PreTrainedModel, among: Callable[[str], bool]) -> int:
    """Operations a position of the matrices whose names `among` accepts: no embeddings, no head."""
    looked_up = {
        f"{name}.{own}"
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding) or module is model.get_output_embeddings()
        for own, _ in module.named_parameters(recurse=False)
    }
    matrices = (
        (6 if weight.requires_grad else 4) * weight.numel()
        for name, weight in model.named_parameters(remove_duplicate=False)
        if weight.ndim > 1 and name not in looked_up and among(name)
    )
    return sum(matrices)


def of_head(model: PreTrainedModel) -> int:
    """Operations a response token of the head, which may share its weights with the embeddings."""
    head = model.get_output_embeddings()
    return (6 if head.weight.requires_grad else 4) * head.weight.numel()  # type: ignore[no-any-return]


def causal(lengths_N: np.ndarray, windows: Iterable[int | None]) -> float:
    """Pairs of positions that look at each other in causal attention, over all pairs and layers.

    A layer with window w sees w positions at most. Length 4: 1 + 2 + 3 + 4 = 10, with window 2:
    1 + 2 + 2 + 2 = 7.
    """
    total = 0.0
    for window in windows:
        rising_N = lengths_N if window is None else np.minimum(lengths_N, window)
        total += float((rising_N * (rising_N + 1) / 2 + (lengths_N - rising_N) * rising_N).sum())
    return total
