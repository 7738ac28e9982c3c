"""Loss on the held-out rows: one way for all contenders, on the weights that they ended with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from rows import Pair  # isort: skip

IGNORE = -100


def padded(rows: list[list[int]], fill: int) -> Tensor:
    """Rows of ids as one tensor, filled on the right."""
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def batch_of(pairs: list[Pair], encoder_decoder: bool, pad: int) -> dict[str, Tensor]:
    """A padded batch in Hugging Face's layout, with its mask."""
    inputs = [pair.prompt if encoder_decoder else pair.prompt + pair.response for pair in pairs]
    hidden = [0 if encoder_decoder else len(pair.prompt) for pair in pairs]
    labels = [[IGNORE] * skip + pair.response for skip, pair in zip(hidden, pairs, strict=True)]
    return {
        "input_ids": padded(inputs, pad),
        "attention_mask": padded([[1] * len(row) for row in inputs], 0),
        "labels": padded(labels, IGNORE),
    }


def held_out_loss(model: Any, pairs: list[Pair], pad: int, batch: int = 16) -> float:
    """Mean cross-entropy of a response token, end token included, in float64 over all of them."""
    encoder_decoder = model.config.is_encoder_decoder
    order = sorted(pairs, key=lambda pair: len(pair.prompt) + len(pair.response))
    total, count = torch.zeros((), dtype=torch.float64), 0
    model.eval()
    with torch.inference_mode():
        for first in range(0, len(order), batch):
            inputs = batch_of(order[first : first + batch], encoder_decoder, pad)
            logits, labels = model(**inputs).logits, inputs["labels"]
            if not encoder_decoder:
                logits, labels = logits[:, :-1], labels[:, 1:]
            losses = cross_entropy(
                logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="sum"
            )
            total += losses.double()
            count += int((labels != IGNORE).sum())
    return float(total / count)
