"""Faster kernels for as long as a model is scored; results are the same to rounding, and nothing remains.

Linear layers of an fp32 model on a CPU have their weights in oneDNN's own order. torch multiplies fp32
matrices by MKL, which on an AMD EPYC of the fifth generation reached 110 GFLOP/s a thread with the layers of
GPT-2 (124M) and 85 with its head; oneDNN with reordered weights 245 and 230. An activation that follows such
a layer is computed in the same pass, while its numbers are still in a cache. torch.compile uses the same two
operators when it freezes a model. They are no public interface: a torch that lacks them computes as before.
While it lasts the weights are there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import NewGELUActivation, SiLUActivation
from transformers.models.gpt2.modeling_gpt2 import GPT2MLP
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoMLP
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXMLP
from transformers.models.gptj.modeling_gptj import GPTJMLP
from transformers.models.llama.modeling_llama import LlamaMLP
from transformers.models.qwen3.modeling_qwen3 import Qwen3MLP
from transformers.models.t5.modeling_t5 import T5DenseActDense, T5DenseGatedActDense
from transformers.pytorch_utils import Conv1D

from lamini.students import onednn

ROWS = 256  # of an input: what the order is made for; others are right too
# The linear layer of a block, and the activation that nothing but its output goes into.
ACTIVATED: dict[type[nn.Module], tuple[str, str]] = {
    GPT2MLP: ("c_fc", "act"),
    GPTNeoMLP: ("c_fc", "act"),
    GPTJMLP: ("fc_in", "act"),
    LlamaMLP: ("gate_proj", "act_fn"),
    Qwen3MLP: ("gate_proj", "act_fn"),
    T5DenseActDense: ("wi", "act"),
    T5DenseGatedActDense: ("wi_0", "act"),
}
FEEDING = (*ACTIVATED, GPTNeoXMLP)
# oneDNN's name of an activation and of the way to compute it. GELU by erf (Pythia) was no faster there.
NAMED: dict[type[nn.Module], tuple[str, str]] = {
    NewGELUActivation: ("gelu", "tanh"),
    nn.ReLU: ("relu", ""),
    nn.SiLU: ("swish", ""),
    SiLUActivation: ("swish", ""),
}

Forward = Callable[[Tensor], Tensor]


@contextmanager
def fast(model: nn.Module) -> Iterator[None]:
    """Within it, `model` computes as described above. Weights must not change meanwhile."""
    changed = []
    try:
        for module, forward in list(_faster(model)) if reordering() else ():
            module.forward = forward  # of this module alone; its class and its hooks stay
            changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward


@contextmanager
def predicting(model: nn.Module, at_U: Tensor) -> Iterator[None]:
    """Within it, the last feed-forward layer is computed at these positions of all rows, and is 0 elsewhere.

    Nothing behind it looks from one position at another, so all that it changes is the last states at the
    others, which are of no use to anybody then. Of a long text with short answers, as in RACE, that is most.
    """
    *_, layer = (module for module in model.modules() if isinstance(module, FEEDING))
    compute = layer.forward

    def forward(states_BTD: Tensor) -> Tensor:
        out_BTD = torch.zeros_like(states_BTD)
        chosen_U = at_U.to(states_BTD.device)
        out_BTD.flatten(0, 1)[chosen_U] = compute(states_BTD.flatten(0, 1)[chosen_U])
        return out_BTD

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward


def reordering() -> bool:
    """Whether this torch has oneDNN's operators."""
    return onednn.available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")


def _faster(model: nn.Module) -> Iterator[tuple[nn.Module, Forward]]:
    """Modules of the model and what shall replace their forward."""
    following = dict(_activated(model))
    for module in model.modules():
        if _multiplied(module):
            activation = following.get(module)
            yield module, _product(module, *(_of(NAMED, activation) or ("none", "")))
            if activation is not None:
                yield activation, _unchanged


def _activated(model: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    """Linear layers and the activations that follow them."""
    for module in model.modules():
        names = _of(ACTIVATED, module)
        if names is not None:
            layer, activation = (getattr(module, name) for name in names)
            if _multiplied(layer) and _of(NAMED, activation) and "forward" not in vars(activation):
                yield layer, activation


def _of(table: dict[type[nn.Module], tuple[str, str]], module: nn.Module | None) -> tuple[str, str] | None:
    """What a table has for the module's class or one that it is made of."""
    return next((found for kind, found in table.items() if isinstance(module, kind)), None)


def _multiplied(module: nn.Module) -> bool:
    """Whether the module is a plain linear layer in fp32 on a CPU, and computes as such."""
    if type(module) not in (nn.Linear, Conv1D) or "forward" in vars(module):
        return False
    weight = module.weight
    return bool(weight.device.type == "cpu" and weight.dtype == torch.float32)


def _product(module: Any, activation: str, way: str) -> Forward:
    """The layer's product, and an activation of oneDNN's behind it."""
    weight = module.weight.detach()
    weight_OI = weight.T.contiguous() if isinstance(module, Conv1D) else weight
    ordered = torch.ops.mkldnn._reorder_linear_weight(weight_OI, ROWS)
    bias = None if module.bias is None else module.bias.detach()
    return partial(onednn.multiply, weight_OI=ordered, bias_O=bias, activation=activation, way=way)


def _unchanged(input: Tensor) -> Tensor:
    """Of an activation that was computed before."""
    return input
