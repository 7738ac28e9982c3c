"""Linear layers of an fp32 model on a CPU, multiplied by oneDNN, forward and backward.

torch multiplies fp32 matrices by MKL. On processors that are not Intel's it uses a part of what they can: on
an AMD EPYC with AVX-512 the products of a block of GPT-2's shape (256 wide, 1,024 positions) ran at 60 to 190
GFLOP/s of two cores by MKL and at 260 to 460 by oneDNN, those of its head at 40 to 60 and 60 to 120. torch
has oneDNN built in, and compiled models are multiplied by it when they are frozen. Its operator is no public
interface: a torch that lacks it computes as before. Results are the same to rounding.

Names: N positions, I inputs, O outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

FEWEST = 2**20  # multiplications of numbers below which MKL starts sooner


def available() -> bool:
    """Whether this torch has the operator."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def fits(input: Tensor, weight: Tensor) -> bool:
    """Whether these are multiplied so: fp32 on a CPU, outside autocast and torch.compile, and not tiny.

    `weight` is (outputs, inputs) or the other way round; sharded ones are left to torch.
    """
    pair = (input, weight)
    if not all(type(t) in (Tensor, nn.Parameter) and t.dtype == torch.float32 for t in pair):
        return False
    if torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or input.ndim < 2:
        return False
    return all(t.device.type == "cpu" for t in pair) and input[..., 0].numel() * weight.numel() >= FEWEST


def multiply(
    input_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None, activation: str = "none", way: str = ""
) -> Tensor:
    """input @ weight.T + bias, by oneDNN; both may be transposed views. No gradient.

    `activation` follows: none, or one of oneDNN's (gelu, computed the `way` tanh; relu; swish).
    """
    found: Tensor = torch.ops.mkldnn._linear_pointwise(input_NI, weight_OI, bias_O, activation, [], way)
    return found


class Product(torch.autograd.Function):
    """Product.apply(input (..., I), weight_OI, bias_O or None): `multiply`, differentiable once."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight_OI)
        return multiply(input, weight_OI, bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        input, weight_OI = ctx.saved_tensors
        to_input, to_weight, to_bias = ctx.needs_input_grad
        grad = grad.contiguous()  # of a sum it is one number expanded
        grad_NO, input_NI = grad.flatten(0, -2), input.flatten(0, -2)
        return (
            multiply(grad, weight_OI.T) if to_input else None,
            _like(weight_OI, grad_NO, input_NI) if to_weight else None,
            grad_NO.sum(0) if to_bias else None,
        )


def _like(weight_OI: Tensor, grad_NO: Tensor, input_NI: Tensor) -> Tensor:
    """grad.T @ input, in memory as the weight is: autograd would copy it into that order."""
    if weight_OI.is_contiguous():
        return multiply(grad_NO.T, input_NI.T)
    return multiply(input_NI.T, grad_NO.T).T


class FastLinear(nn.Linear):
    """nn.Linear through oneDNN wherever that can be."""

    def forward(self, input: Tensor) -> Tensor:
        """As nn.Linear."""
        if fits(input, self.weight):
            return Product.apply(input, self.weight, self.bias)  # type: ignore[no-any-return]
        return super().forward(input)


class FastConv1D(Conv1D):
    """transformers' Conv1D (GPT-2), a linear layer with its weight the other way round."""

    def forward(self, x: Tensor) -> Tensor:
        """As Conv1D."""
        if fits(x, self.weight):
            return Product.apply(x, self.weight.T, self.bias)  # type: ignore[no-any-return]
        return super().forward(x)  # type: ignore[no-any-return]


FAST: dict[type[nn.Module], type[nn.Module]] = {nn.Linear: FastLinear, Conv1D: FastConv1D}


def use(model: PreTrainedModel) -> None:
    """Let the linear layers multiply by oneDNN from now on; weights and their names stay what they are.

    The head stays, too: lamini.students.head multiplies for it.
    """
    head = model.get_output_embeddings()
    for module in model.modules():
        if available() and module is not head and type(module) in FAST:
            module.__class__ = FAST[type(module)]
