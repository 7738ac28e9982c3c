"""The floor: length-sorted batches, the head at response positions, and nothing else. No project code."""

from __future__ import annotations

from typing import Any

import torch
from clock import Clock
from rows import Pair
from scoring import IGNORE, batch_of
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import get_scheduler


def train(
    model: Any, pairs: list[Pair], pad: int, batch: int, lr: float, warmup: float, clock: Clock
) -> None:
    """One epoch; the batches are sorted by length, their order is drawn."""
    order = sorted(range(len(pairs)), key=lambda n: len(pairs[n].prompt) + len(pairs[n].response))
    batches = [order[first : first + batch] for first in range(0, len(order), batch)]
    drawn = torch.randperm(len(batches), generator=torch.Generator().manual_seed(42)).tolist()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0, fused=True)
    schedule = get_scheduler("linear", optimizer, round(warmup * len(batches)), len(batches))
    model.train()
    clock.start()
    for number in drawn:
        chosen = [pairs[n] for n in batches[number]]
        inputs = batch_of(chosen, model.config.is_encoder_decoder, pad)
        loss_of(model, inputs, pad, clock).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    clock.seen(pairs)


def loss_of(model: Any, inputs: dict[str, Tensor], pad: int, clock: Clock) -> Tensor:
    """Mean loss of the response tokens; logits exist for them alone."""
    labels = inputs.pop("labels")
    if model.config.is_encoder_decoder:
        starts = torch.full_like(labels[:, :1], pad)
        shifted = torch.cat([starts, labels[:, :-1].masked_fill(labels[:, :-1] == IGNORE, pad)], dim=1)
        clock.count({"labels": labels, "input_ids": inputs["input_ids"], "decoder_input_ids": shifted})
        encoded = model.encoder(**inputs).last_hidden_state
        hidden = model.decoder(
            input_ids=shifted, encoder_hidden_states=encoded,
            encoder_attention_mask=inputs["attention_mask"], use_cache=False,
        ).last_hidden_state  # fmt: skip
    else:
        clock.count({"labels": labels, "input_ids": inputs["input_ids"]})
        hidden = model.transformer(**inputs, use_cache=False).last_hidden_state[:, :-1]
        labels = labels[:, 1:]
    kept = labels != IGNORE
    return cross_entropy(model.lm_head(hidden[kept]), labels[kept])
