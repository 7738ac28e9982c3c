"""The kernel has loss and gradient of torch's cross-entropy, and zero in columns behind the vocabulary."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from lamini.students.cross_entropy import loss_and_gradient

interpreted = pytest.mark.skipif(
    find_spec("triton") is None or torch.cuda.is_available(),
    reason="needs Triton, and no GPU: pip install triton",
)


@pytest.mark.parametrize(
    "device", [pytest.param("cpu", marks=interpreted), pytest.param("cuda", marks=pytest.mark.gpu)]
)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-6), (torch.bfloat16, 5e-3)])
def test_loss_and_gradient_are_torchs(dtype: torch.dtype, near: float, device: str) -> None:
    torch.manual_seed(0)
    logits_CV = (3 * torch.randn(5, 9088, device=device)).to(dtype)
    labels_C1 = torch.tensor([[0], [1], [8191], [8192], [8999]], device=device)
    plain_CV = logits_CV[:, :9000].float().requires_grad_()
    expected = torch.nn.functional.cross_entropy(plain_CV, labels_C1[:, 0], reduction="sum")
    (gradient_CV,) = torch.autograd.grad(expected, plain_CV)
    loss = loss_and_gradient(logits_CV, labels_C1, 9000)
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)
    assert float((logits_CV[:, :9000] - gradient_CV).norm() / gradient_CV.norm()) < near
    assert not logits_CV[:, 9000:].any()
