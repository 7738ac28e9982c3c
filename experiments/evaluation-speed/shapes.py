"""The two students of the study: scratch weights and the real tokenizer as a Hugging Face folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from lamini.compose import compose


@dataclass(frozen=True)
class Shape:
    """One architecture: `model` is train.py's shorthand, `targets` how many times stock's speed is asked."""

    name: str
    model: str
    targets: dict[str, float]
    architecture: dict[str, object] = field(default_factory=dict)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("t5", "flan-t5-small", {"all": 2.5}),
        Shape("gpt2", "gpt2-small", {"all": 3.0, "race": 6.0, "hellaswag": 6.0}),
    )
}
TINY = {
    "t5": {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_inner": 64},
}


def write(shape: Shape, tokenizers: Path, folder: Path, tiny: bool = False) -> int:
    """Weights, configuration and tokenizer in `folder`; returns the number of parameters."""
    import torch

    from lamini.students.loading import build_model, build_tokenizer

    fields = TINY[shape.name] if tiny else {}
    words = [f"architecture.{name}={value}" for name, value in fields.items()]
    config = compose("train", [f"model={shape.model}", f"paths.tokenizers='{tokenizers}'", "seed=42",
                               "init=scratch", *words])  # fmt: skip
    logging.disable(logging.WARNING)
    torch.manual_seed(config.seed)
    tokenizer = build_tokenizer(config, lambda: iter(()))
    model = build_model(config, len(tokenizer))
    if shape.name == "t5":
        # Head and embeddings hold the same numbers: lm-eval 0.4.13 ties them whatever the model says. Those
        # are drawn with a deviation of 1, which would make log-probabilities of hundreds a token.
        shared = model.get_input_embeddings().weight
        shared.data *= shared.shape[1] ** -0.5
        model.get_output_embeddings().weight.data.copy_(shared)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())
