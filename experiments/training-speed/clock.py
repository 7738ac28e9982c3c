"""What is timed, the same for every contender: from the start of the loop to the end of the last step.

The loop starts where a trainer says that training begins, before the first batch is made. It ends when the
last optimizer step has returned, seen by torch's own hook, which fires for every optimizer whoever calls it.
So imports, tokenisation, the making of datasets and trainers, and what is written after the end count for
nobody; batching, collation, callbacks and logging count for everybody.
"""

from __future__ import annotations

import resource
import time
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

IGNORE = -100


class Clock:
    """Seconds of a loop, its optimizer steps, and what its batches held."""

    def __init__(self) -> None:
        self.steps = self.pairs = self.response_tokens = self.positions = 0
        self.began = self.ended = 0.0
        self.padding: float | None = None
        register_optimizer_step_post_hook(self._stepped)

    def start(self) -> None:
        """The loop begins now."""
        self.steps = 0
        self.began = time.perf_counter()

    def _stepped(self, *arguments: Any) -> None:
        self.steps += 1
        self.ended = time.perf_counter()

    def count(self, batch: dict[str, Any]) -> None:
        """Add a batch in Hugging Face's layout: its label tokens, and the positions that it computes."""
        self.response_tokens += int((batch["labels"] != IGNORE).sum())
        sides = [batch["input_ids"], *([batch["decoder_input_ids"]] if "decoder_input_ids" in batch else [])]
        self.positions += sum(side.numel() for side in sides)

    def seen(self, pairs: list[Any]) -> None:
        """Every pair was seen once; what else its batches computed was padding."""
        self.pairs = len(pairs)
        self.padding = 1 - sum(len(pair.prompt) + len(pair.response) for pair in pairs) / self.positions

    def facts(self) -> dict[str, Any]:
        """What the parent process reads."""
        seconds = self.ended - self.began
        return {
            "seconds": seconds, "steps": self.steps, "pairs": self.pairs,
            "response_tokens": self.response_tokens, "padding": self.padding,
            "tokens_per_second": self.response_tokens / seconds,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }  # fmt: skip


class Counted:
    """A collator that is counted: what a trainer computes on is what its collator returned."""

    def __init__(self, collate: Any, clock: Clock) -> None:
        self.collate, self.clock = collate, clock

    def __call__(self, examples: list[Any]) -> Any:
        batch = self.collate(examples)
        self.clock.count(batch)
        return batch


def warm(model: torch.nn.Module, vocabulary: int) -> None:
    """Two passes over a made-up batch: threads are started and kernels chosen before anybody's clock runs."""
    ids = torch.randint(vocabulary, (16, 64), generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        model(input_ids=ids, labels=ids).loss.backward()
    model.zero_grad()
