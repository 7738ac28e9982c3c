"""Sampling in which every row of a batch draws by a seed of its own.

The largest of logits / temperature + Gumbel noise is a draw of softmax(logits / temperature), so sampling
becomes a greedy choice over scores with noise, and each row can have a random generator. A multinomial draw
over the batch cannot: what a row gets would depend on its neighbours. The price is a row of random numbers,
as long as the vocabulary, a token.

Names: B rows of a batch, T positions, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import LogitsProcessor, TopPLogitsWarper

TINY, NEARLY_ONE = 1e-20, 1.0 - 1e-7  # neither logarithm becomes infinite


class Drawing(LogitsProcessor):
    """Noise on the scores of `generate(do_sample=False)`; one seed a row."""

    def __init__(self, seeds: list[int], temperature: float, top_p: float) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.temperature = temperature
        self.kept = TopPLogitsWarper(top_p) if top_p < 1.0 else None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # type: ignore[override]
        """Scores_BV whose largest entry is the draw."""
        scores_BV = scores.float() / self.temperature
        if self.kept is not None:
            scores_BV = self.kept(input_ids, scores_BV)
        width = scores_BV.shape[1]
        noise_BV = torch.stack([torch.rand(width, generator=one) for one in self.generators])
        gumbel_BV = -torch.log(-torch.log(noise_BV.clamp(TINY, NEARLY_ONE)))
        return scores_BV + gumbel_BV.to(scores_BV.device)
