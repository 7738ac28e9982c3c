"""One answer with a stopwatch: when each of its tokens was there."""

from __future__ import annotations

import time
from itertools import cycle, islice
from typing import Any, cast

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from lamini.students.compiling import uncompiled
from lamini.students.protocol import Student, answering

TEXT = "Explain in one sentence why the sky looks blue at noon and red in the evening."


class Clock(LogitsProcessor):
    """Notes the time at which a model has said what it thinks of the next token."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Called once a token."""
        self.times.append(time.perf_counter())
        return scores


def prompt_of(student: Student, tokens: int) -> list[int]:
    """A prompt of exactly so many tokens; how it goes on does not matter for the time.

    Ids 5 6 7 of a short text give 5 6 7 5 6 for five tokens.
    """
    ids = student.ids([TEXT])[0]
    return list(islice(cycle(ids), tokens))


def timed(student: Student, prompt: list[int], tokens: int) -> list[float]:
    """Seconds until each of `tokens` new tokens, counted from the one before; the first counts the prompt.

    The end token is forbidden until the last one, so that every student writes as many.
    """
    model, clock = student.ready(), Clock()
    config = student.greedy(tokens)
    config.min_new_tokens = tokens
    ids_BT = torch.tensor([prompt])
    with answering(model, config), uncompiled(model):
        began = time.perf_counter()
        cast(Any, model).generate(
            input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT),
            logits_processor=LogitsProcessorList([clock]),
        )  # fmt: skip
    return [end - start for start, end in zip([began, *clock.times], clock.times, strict=False)]
