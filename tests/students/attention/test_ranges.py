"""Our kernels give the loss and the gradient of transformers' eager attention, and attention's own rules.

They run on a GPU, or with TRITON_INTERPRET=1 in Triton's interpreter.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor

from lamini.students.attention.backends import use
from lamini.students.attention.ranges import are_ranges, key_ranges, ranged
from lamini.students.masks import block_mask, pair_begins, pair_lengths
from tests.students.test_packed import KINDS, ROWS, collated, loss_and_gradient, student_of

interpreted = pytest.mark.skipif(
    find_spec("triton") is None or torch.cuda.is_available(),
    reason="needs Triton, and no GPU: pip install triton",
)
DEVICES = [pytest.param("cpu", marks=interpreted), pytest.param("cuda", marks=pytest.mark.gpu)]


def test_ranges_are_the_worked_example() -> None:
    segments_BT = torch.tensor([[1, 1, 2, 0]])
    assert key_ranges(segments_BT, segments_BT)[0, 0].tolist() == [[0, 0, 2, 3], [2, 2, 3, 4]] * 2
    causal = key_ranges(segments_BT, segments_BT, causal=True)
    assert causal[0, 0].tolist() == [[0, 0, 2, 3], [1, 2, 3, 4], [0, 1, 2, 3], [2, 2, 3, 4]]
    assert are_ranges(causal) and not are_ranges(None)
    assert not are_ranges(pair_begins(pair_lengths(segments_BT, segments_BT)))


def test_ranges_of_two_sides_are_those_of_the_mask() -> None:
    queries_BT, keys_BT = torch.tensor([[1, 1, 2, 3], [1, 2, 0, 0]]), torch.tensor([[1, 2, 2], [1, 1, 2]])
    first, end, above, below = key_ranges(queries_BT, keys_BT)[0, 0]
    mask = torch.block_diag(*block_mask(queries_BT, keys_BT)[:, 0]).bool()
    padding = (queries_BT == 0).flatten()  # by the mask padding sees all of its row, which concerns nobody
    at = torch.arange(6)
    assert torch.equal(((at >= first[:, None]) & (at < end[:, None]))[~padding], mask[~padding])
    at = torch.arange(8)[:, None]
    assert torch.equal(((at >= above[:6]) & (at < below[:6]))[~padding], mask[~padding])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradient_are_those_of_eager_attention(kind: str, device: str) -> None:
    student = student_of(kind, "eager")
    student.ready().to(device)  # type: ignore[arg-type]
    batch = {name: x.to(device) for name, x in collated(student, ROWS).items()}
    loss, gradient = loss_and_gradient(student, [batch])
    use(student.ready(), "triton")
    other, its = loss_and_gradient(student, [batch])
    assert abs(float(loss - other)) / float(loss) < 1e-5
    assert float((gradient - its).norm() / gradient.norm()) < 1e-5


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_in_half_precision_they_are_as_near_to_float32_as_sdpa_is(kind: str) -> None:
    student = student_of(kind, "eager")
    student.ready().cuda()
    batch = {name: x.cuda() for name, x in collated(student, ROWS).items()}
    loss, gradient = loss_and_gradient(student, [batch])
    distances = []
    for attention in ("sdpa", "triton"):
        use(student.ready(), attention)
        with torch.autocast("cuda", torch.bfloat16):
            other, its = loss_and_gradient(student, [batch])
        distances.append(float((gradient - its).norm() / gradient.norm()))
        assert abs(float(loss - other)) / float(loss) < 1e-2
    assert distances[1] < 1.5 * distances[0]


def case(
    device: str, dtype: torch.dtype, width: int, dropout: float = 0.0
) -> tuple[Callable[..., Tensor], Any]:
    """Causal attention with a bias over two rows of several pairs, as a function of its states."""
    torch.manual_seed(0)
    ids_BT = torch.tensor([[1] * 50 + [2] * 100 + [3] * 10, [1] * 140 + [0] * 20], device=device)
    states = [torch.randn(2, 2, 160, width, device=device, dtype=dtype, requires_grad=True) for _ in range(3)]
    table_HM = torch.randn(2, 2 * 20 + 1, device=device, requires_grad=True)
    ranges = key_ranges(ids_BT, ids_BT, causal=True)

    def attention(query: Tensor, key: Tensor, value: Tensor, table_HM: Tensor) -> Tensor:
        torch.manual_seed(1)  # of dropout
        return ranged(query, key, value, ranges, dropout, width**-0.5, table_HM)

    return attention, [*states, table_HM]


@pytest.mark.gpu
@pytest.mark.parametrize("width", [40, 64, 80, 128, 256])
def test_heads_of_any_width_have_their_attention(width: int) -> None:
    attention, states = case("cuda", torch.bfloat16, width)
    query, key, value = (x.detach().float() for x in states[:3])
    at = torch.arange(160, device="cuda")
    bias = states[3].detach()[:, (at - at[:, None]).clamp(-20, 20) + 20]
    ids_BT = torch.tensor([[1] * 50 + [2] * 100 + [3] * 10, [1] * 140 + [4] * 20], device="cuda")
    mask = (ids_BT[:, :, None] == ids_BT[:, None]).tril()[:, None]
    scores = (query @ key.transpose(2, 3) * width**-0.5 + bias).masked_fill(~mask, -torch.inf)
    expected = (scores.softmax(-1) @ value).transpose(1, 2)
    found = attention(*states)
    found.float().sum().backward()
    assert float((found - expected).norm() / expected.norm()) < 1e-2
    assert all(torch.isfinite(x.grad).all() for x in states)


@pytest.mark.parametrize("device", DEVICES)
def test_dropped_weights_have_their_gradient(device: str) -> None:
    attention, states = case(device, torch.float32, 16, dropout=0.3)
    grad = torch.randn(2, 160, 2, 16, device=device)
    found = attention(*states)
    assert torch.equal(found, attention(*states))
    kept, _ = case(device, torch.float32, 16)
    assert float((found - kept(*states)).norm() / found.norm()) > 0.1
    gradients = torch.autograd.grad(found, states, grad)
    for place, gradient in enumerate(gradients):
        step = torch.randn_like(states[place]) * 1e-2
        moved = [
            [x.detach() + sign * step if n == place else x.detach() for n, x in enumerate(states)]
            for sign in (1, -1)
        ]
        slope = ((attention(*moved[0]) - attention(*moved[1])) * grad).sum() / 2
        assert float((gradient * step).sum()) == pytest.approx(float(slope), rel=2e-2)
