"""The choices of `teacher=`: one dataclass each, named by `_target_` in conf/teacher/*.yaml.

As for data: `check` answers before anything heavy is imported, `build` makes the teacher. Prices are dollars per
million tokens; a teacher that costs nothing has prices of 0, one whose price is not known has null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from lamini.teacher.protocol import Teacher


@dataclass
class Prices:
    """Dollars per million tokens; null: not known."""

    prompt: float | None
    response: float | None


@dataclass
class OpenAI:
    """Any endpoint that speaks OpenAI's protocol: OpenAI, vLLM, SGLang, llama.cpp, Ollama, transformers serve."""

    model: str  # as the endpoint names it
    base_url: str | None  # http://host:port/v1; null: OpenAI's own
    key: str  # environment variable that holds the API key; the key itself never stands in a configuration
    batch: bool  # use the provider's batch API: half the price, hours of patience
    prices: Prices
    extra: dict[str, Any]  # further fields of the request body


@dataclass
class Transformers:
    """A local model, or the export of one of the herd; decoder-only and encoder-decoder."""

    model: str  # folder, or hub id
    device: str  # auto, cpu, cuda or mps
    precision: str  # auto, float32 or bfloat16
    batch_size: int  # requests answered together
    max_tokens: int  # of an answer, where the sampling does not say
    prices: Prices


@dataclass
class Oracle:
    """The embedded teacher: exact answers to its own kinds, nothing else."""

    model: str  # the name in the log
    fault_rate: float  # share of answers that are wrong, wordy or malformed
    prices: Prices


@dataclass
class Replay:
    """Answers from the request log alone; what is not in it counts as failed."""

    kind: str  # of the teacher whose answers are replayed: openai, transformers, oracle
    model: str  # its model
    prices: Prices
