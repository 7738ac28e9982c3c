"""The two students of the study: the line that trains them here, and the folder that every peer loads.

Both are built once from scratch by this project and written as plain Hugging Face folders; every contender,
ours included (`init=pretrained checkpoint=<folder>`), starts from those weights. No dropout, so that losses
differ by the order of the pairs and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamini.compose import compose
from lamini.config import TrainConfig

LR = 1e-3  # scratch weights bear it; the published ones' rates would show no learning in 24 steps
WARMUP = 0.03


@dataclass(frozen=True)
class Shape:
    """One architecture: `model` is the shorthand of train.py whose tokenizer and layout it takes."""

    name: str
    model: str
    architecture: dict[str, object]
    targets: dict[str, float]  # contender -> how many times its speed the issue asks for
    contenders: tuple[str, ...]

    def line(self, tokenizers: Path) -> list[str]:
        """The overrides that name the student and its tokenizer, without its weights."""
        return [f"model={self.model}", f"paths.tokenizers='{tokenizers}'", "seed=42"]

    def scratch(self, tokenizers: Path) -> TrainConfig:
        """The configuration that builds the first weights."""
        fields = [f"architecture.{name}={value}" for name, value in self.architecture.items()]
        config: TrainConfig = compose("train", [*self.line(tokenizers), "init=scratch", *fields])
        return config


T5 = Shape(
    "t5",
    "flan-t5-small",
    {
        "d_model": 256, "d_kv": 64, "d_ff": 512, "num_layers": 4, "num_decoder_layers": 4, "num_heads": 4,
        "vocab_size": 32128, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": "false",
        "dropout_rate": 0.0,
    },
    {"hf": 1.8, "hf-grouped": 1.6},
    ("hf", "hf-grouped", "bare"),
)  # fmt: skip
GPT2 = Shape(
    "gpt2",
    "gpt2-small",
    {
        "n_embd": 256, "n_layer": 6, "n_head": 4, "n_inner": 1024, "vocab_size": 50257,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
    },
    {"hf": 3.3, "hf-grouped": 2.0, "trl": 3.0, "trl-packed": 3.0},
    ("hf", "hf-grouped", "trl", "trl-packed", "bare"),
)  # fmt: skip
SHAPES = {shape.name: shape for shape in (T5, GPT2)}


def student_of(shape: Shape, tokenizers: Path) -> Any:
    """The student without weights: its tokenizer and its layout of ids."""
    from lamini.students.loading import build_tokenizer
    from lamini.training.prepare import student_class

    config = shape.scratch(tokenizers)
    return student_class(config)(
        build_tokenizer(config, lambda: iter(())), config.context, config.family.wrapper
    )


def write_weights(shape: Shape, tokenizers: Path, folder: Path) -> int:
    """Scratch weights as a Hugging Face folder; returns the number of parameters."""
    from lamini.students.loading import build_model

    model = build_model(shape.scratch(tokenizers), len(student_of(shape, tokenizers).tokenizer))
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())
