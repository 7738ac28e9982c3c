"""Linear layers through oneDNN: the numbers of torch's own, with the same weights under the same names."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from lamini.students import onednn
from tests.students.test_packed import ROWS, collated, loss_and_gradient, student_of

pytestmark = pytest.mark.skipif(not onednn.available(), reason="this torch has no oneDNN")


def test_multiply() -> None:
    """(1 2) times the rows (1 0), (0 1), (1 1), plus 10: 11, 12, 13."""
    input_NI, weight_OI = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert onednn.multiply(input_NI, weight_OI, torch.full((3,), 10.0)).tolist() == [[11.0, 12.0, 13.0]]


def gradients(layer: nn.Module, input: Tensor, outer: Tensor) -> list[Tensor]:
    at = input.clone().requires_grad_()
    out = layer(at)
    wanted = [at, *layer.parameters()]
    return [out.detach(), *torch.autograd.grad((out * outer.to(out.dtype)).sum(), wanted)]


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["linear", "bare", "conv1d"]), st.integers(1, 40), st.integers(1, 40), st.integers(1, 30),
    st.integers(0, 99), st.booleans(),
)  # fmt: skip
def test_values_and_gradients_are_those_of_float64(
    kind: str, inputs: int, outputs: int, rows: int, seed: int, turned: bool
) -> None:
    torch.manual_seed(seed)
    layer = Conv1D(outputs, inputs) if kind == "conv1d" else nn.Linear(inputs, outputs, kind == "linear")
    input = torch.randn(2, rows, inputs)
    if turned:  # in memory it does not lie as it is read; Conv1D itself refuses that
        input = torch.randn(rows, 2, inputs).transpose(0, 1)
    outer = torch.randn(2, outputs, rows).transpose(1, 2)
    exact = gradients(copy.deepcopy(layer).double(), input.double().contiguous(), outer.double())
    fewest, onednn.FEWEST = onednn.FEWEST, 0
    try:
        assert onednn.fits(input, layer.weight)
        layer.__class__ = onednn.FAST[type(layer)]
        found = gradients(layer, input, outer)
    finally:
        onednn.FEWEST = fewest
    for ours, theirs in zip(found, exact, strict=True):
        assert torch.allclose(ours.double(), theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max() + 1))
    assert found[2].is_contiguous()


def test_a_constant_gradient() -> None:
    """That of a plain sum is one number, expanded."""
    layer = onednn.FastLinear(64, 64)
    input = torch.ones(300, 64)
    layer(input).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.unique().tolist() == [300.0]


@pytest.mark.parametrize("case", ["tiny", "double", "autocast", "vector"])
def test_the_rest_is_left_to_torch(case: str) -> None:
    input, weight = torch.ones(4096, 64), torch.ones(64, 64)
    assert onednn.fits(input, weight)
    if case == "tiny":
        assert not onednn.fits(input[:8], weight)
    elif case == "double":
        assert not onednn.fits(input.double(), weight.double())
    elif case == "vector":
        assert not onednn.fits(input[0], weight)
    else:
        with torch.autocast("cpu", torch.bfloat16):
            assert not onednn.fits(input, weight)


@pytest.mark.parametrize("kind", ["t5", "gpt2", "llama"])
def test_a_student_learns_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    student = student_of(kind)
    names = list(student.ready().state_dict())
    batch = collated(student, ROWS)
    loss, gradient = loss_and_gradient(student, [batch])
    monkeypatch.setattr(onednn, "FEWEST", 0)
    onednn.use(student.ready())
    kinds = {type(module) for module in student.ready().modules()}
    assert kinds & set(onednn.FAST.values())
    assert list(student.ready().state_dict()) == names
    other, its = loss_and_gradient(student, [batch])
    assert abs(float(loss - other)) / float(loss) < 1e-5
    assert float((gradient - its).norm() / gradient.norm()) < 1e-5
