"""Linear layers of a CPU with their weights in oneDNN's own order, for as long as a model is scored.

torch multiplies fp32 matrices by MKL, which on the processors tried here reached 85 GFLOP/s a thread with the
layers of GPT-2 (124M) and 50 with its head; oneDNN with reordered weights 105 and 95. torch.compile uses the
same two operators when it freezes a model. They are no public interface, so a torch that lacks them computes as
before; the results are the same to rounding. While it lasts the weights are there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

ROWS = 256  # of an input: what the order is made for; others are right too


@contextmanager
def packed(model: nn.Module) -> Iterator[None]:
    """Within it, `model` computes its linear layers by oneDNN where it is an fp32 model on a CPU."""
    layers = [module for module in model.modules() if _can_be(module)] if _available() else []
    try:
        for layer in layers:
            weight = layer.weight.detach()
            bias = layer.bias if layer.bias is None else layer.bias.detach()
            ordered = torch.ops.mkldnn._reorder_linear_weight(
                weight.T.contiguous() if type(layer) is Conv1D else weight, ROWS
            )
            layer.forward = partial(_forward, ordered, bias)
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _can_be(module: nn.Module) -> bool:
    if type(module) not in (nn.Linear, Conv1D) or "forward" in module.__dict__:
        return False
    return module.weight.device.type == "cpu" and module.weight.dtype == torch.float32


def _available() -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    return all(hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise"))


def _forward(ordered: Tensor, bias: Tensor | None, input: Tensor) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(input, ordered, bias, "none", [], "")
    return found
