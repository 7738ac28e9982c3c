"""Scoring's own kernels give what the model gives, and leave it as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from lamini.evaluation.kernels import _activated, fast, predicting, reordering
from tests.students import tiny

KINDS = {  # blocks whose activation is computed with the product before it, of the two that a tiny model has
    "t5": 4, "t5-untied": 4, "gpt2": 2, "gpt-neo": 2, "gpt-j": 2, "pythia": 0, "llama": 2, "qwen3": 2,
}  # fmt: skip

ordered = pytest.mark.skipif(not reordering(), reason="this torch has no oneDNN operators")


def model_of(kind: str) -> Any:
    """A tiny model with large weights in fp32."""
    if kind.startswith("t5"):
        return tiny.lively(tiny.t5(40, tied=kind == "t5")).eval()
    return tiny.lively(tiny.causal(kind, 40, context=64)).eval()


def logits(model: Any) -> torch.Tensor:
    """What a model says to 17 tokens."""
    ids = {"input_ids": torch.arange(3, 20)[None]}
    if model.config.is_encoder_decoder:
        ids["decoder_input_ids"] = torch.arange(5, 14)[None]
    with torch.no_grad():
        found: torch.Tensor = model(**ids).logits
    return found


@ordered
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_says_the_same(kind: str) -> None:
    model = model_of(kind)
    plain, exact = logits(model), logits(copy.deepcopy(model).double())
    with fast(model):
        found = logits(model)
    scale = exact.abs().max()
    ours, theirs = ((x.double() - exact).abs().max() / scale for x in (found, plain))
    assert ours < 1e-4 and theirs < 1e-4  # such weights multiply rounding; a wrong activation is 1
    assert not any("forward" in vars(module) for module in model.modules())
    assert torch.equal(logits(model), plain)


@ordered
@pytest.mark.parametrize("kind", KINDS)
def test_activations_follow_in_the_same_pass(kind: str) -> None:
    model = model_of(kind)
    pairs = dict(_activated(model))
    assert len(pairs) == KINDS[kind]
    with fast(model):
        for layer, activation in pairs.items():
            input = torch.linspace(-4, 4, 3 * layer.weight.numel()).view(-1, _width(layer))
            plain = type(layer).forward(layer, input)
            torch.testing.assert_close(layer(input), type(activation).forward(activation, plain))
            assert activation(input) is input


@ordered
def test_a_layer_that_somebody_else_computes_stays_theirs() -> None:
    model = model_of("gpt2")
    block = model.transformer.h[0].mlp
    block.c_fc.forward = lambda x: type(block.c_fc).forward(block.c_fc, x) * 2
    plain = logits(model)
    with fast(model):
        assert "forward" not in vars(block.act)
        torch.testing.assert_close(logits(model), plain, rtol=1e-4, atol=1e-4)
    assert "forward" in vars(block.c_fc)


@pytest.mark.parametrize("kind", KINDS)
def test_where_something_is_predicted_the_last_states_are_what_they_were(kind: str) -> None:
    model = model_of(kind).double()
    plain = logits(model)
    at = torch.tensor([2, 3, 7])
    with predicting(model, at):
        found = logits(model)
    torch.testing.assert_close(found[0, at], plain[0, at])
    assert (found[0, 4] - plain[0, 4]).abs().max() > 1e-3  # there it was left out
    assert not any("forward" in vars(module) for module in model.modules())


def _width(layer: nn.Module) -> int:
    """Numbers that a layer takes."""
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    return weight.shape[1] if isinstance(layer, nn.Linear) else weight.shape[0]
