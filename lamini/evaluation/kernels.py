"""Faster kernels for as long as a model is scored; results are the same to rounding, and nothing remains.

Linear layers of an fp32 model on a CPU have their weights in oneDNN's own order. torch multiplies fp32
matrices by MKL, which on the processors tried here reached 85 GFLOP/s a thread with the layers of GPT-2
(124M) and 50 with its head; oneDNN with reordered weights 105 and 95. torch.compile uses the same two
operators when it freezes a model. They are no public interface: a torch that lacks them computes as before.
While it lasts the weights are there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from lamini.students import onednn

ROWS = 256  # of an input: what the order is made for; others are right too

Forward = Callable[[Tensor], Tensor]


@contextmanager
def fast(model: nn.Module) -> Iterator[None]:
    """Within it, `model` computes as described above. Weights must not change meanwhile."""
    reorder = reordering()
    changed = []
    try:
        for module in model.modules():
            forward = _fast(module, reorder)
            if forward is not None and "forward" not in vars(module):
                module.forward = forward  # of this module alone; its class and its hooks stay
                changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward


def reordering() -> bool:
    """Whether this torch has oneDNN's operators."""
    return onednn.available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")


def _fast(module: nn.Module, reorder: bool) -> Forward | None:
    """What shall replace a module's forward; None leaves it."""
    if not reorder or not isinstance(module, nn.Linear | Conv1D) or type(module) not in (nn.Linear, Conv1D):
        return None
    weight = module.weight.detach()
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return None
    weight_OI = weight.T.contiguous() if isinstance(module, Conv1D) else weight
    ordered = torch.ops.mkldnn._reorder_linear_weight(weight_OI, ROWS)
    bias = None if module.bias is None else module.bias.detach()
    return partial(onednn.multiply, weight_OI=ordered, bias_O=bias)
