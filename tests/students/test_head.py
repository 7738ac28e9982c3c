"""The chunked loss over the vocabulary: torch's own numbers, without its logits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear
from torch.utils._python_dispatch import TorchDispatchMode

from lamini.errors import UserError
from lamini.students import head as module
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.head import ChunkedLoss, chunk_rows, summed_loss
from lamini.students.protocol import Batch, Student
from tests.students import tiny
from tests.students.tiny import batch_of

VOCABULARY, WIDTH, ROWS = 37, 5, 7
Grads = list[Tensor]


@pytest.fixture(autouse=True)
def small_chunks() -> Iterator[None]:
    """Chunks of seven tokens of this file's vocabulary."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module.CHUNK_LOGITS, "cpu", ROWS * VOCABULARY + 3)
        yield


def problem(
    tokens: int, bias: bool = False, vocabulary: int = VOCABULARY, dtype: torch.dtype = torch.float64
) -> tuple[nn.Linear, Tensor, Tensor]:
    """A head, states and labels."""
    torch.manual_seed(0)
    head = nn.Linear(WIDTH, vocabulary, bias=bias, dtype=dtype)
    hidden_RD = torch.randn(tokens, WIDTH, dtype=dtype, requires_grad=True)
    return head, hidden_RD, torch.randint(vocabulary, (tokens,))


def differentiated(
    head: nn.Linear, hidden_RD: Tensor, labels_R: Tensor, way: str, scale: float = 1.0
) -> tuple[Tensor, Grads]:
    """The loss and the gradients of states, weight and bias; `reference` is torch's function of one line."""
    inputs = [hidden_RD, *head.parameters()]
    if way == "reference":
        logits_RV = linear(hidden_RD, head.weight, head.bias)
        loss = cross_entropy(logits_RV.float() if logits_RV.dtype == torch.bfloat16 else logits_RV,
                             labels_R, reduction="sum")  # fmt: skip
    else:
        loss = summed_loss(head, hidden_RD, labels_R, way)
    return loss.detach(), list(torch.autograd.grad(loss * scale, inputs))


def assert_near(got: tuple[Tensor, Grads], expected: tuple[Tensor, Grads], relative: float) -> None:
    """Within `relative` of the norm of each tensor."""
    for one, other in zip([got[0], *got[1]], [expected[0], *expected[1]], strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert (one - other).norm() <= relative * other.norm()


@pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])
@pytest.mark.parametrize("tokens", [1, ROWS - 1, ROWS, ROWS + 1, 4 * ROWS + 2])
@pytest.mark.parametrize("way", ["chunked", "plain"])
def test_value_and_gradients_are_those_of_torch(tokens: int, bias: bool, way: str) -> None:
    given_ = problem(tokens, bias)
    assert_near(differentiated(*given_, way), differentiated(*given_, "reference"), 1e-14)
    given_ = problem(tokens, bias, dtype=torch.float32)
    assert_near(differentiated(*given_, way), differentiated(*given_, "reference"), 1e-6)


@settings(deadline=None)
@given(
    tokens=st.integers(1, 40), vocabulary=st.integers(2, 90), logits=st.integers(1, 900), bias=st.booleans()
)
def test_any_chunk_gives_the_same(tokens: int, vocabulary: int, logits: int, bias: bool) -> None:
    given_ = problem(tokens, bias, vocabulary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module.CHUNK_LOGITS, "cpu", logits)
        rows = chunk_rows(tokens, vocabulary, "cpu")
        assert rows == 1 or rows * vocabulary <= logits
        assert_near(differentiated(*given_, "chunked"), differentiated(*given_, "reference"), 1e-13)


def test_chunks_are_about_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.CHUNK_LOGITS, "cpu", 512 * 100 + 99)
    assert [chunk_rows(tokens, 100, "cpu") for tokens in (0, 1, 512, 513, 600)] == [1, 1, 512, 257, 300]
    monkeypatch.setitem(module.CHUNK_LOGITS, "cpu", 10)
    assert chunk_rows(5, 5, "cpu") == 2 and chunk_rows(5, 11, "cpu") == 1
    assert chunk_rows(10**6, 2**16, "cuda") <= 2**12 and chunk_rows(10**6, 2**16, "mps") <= 2**10


def test_worked_example() -> None:
    """Logits ln 1, ln 2, ln 5 and label 2: the loss is -ln(5/8), the gradient (1/8, 2/8, -3/8)."""
    head = nn.Linear(1, 3, dtype=torch.float64)
    head.weight.data = torch.zeros(3, 1, dtype=torch.float64)
    head.bias.data = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64).log()
    hidden_RD = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    loss, (_, weight, bias) = differentiated(head, hidden_RD, torch.tensor([2]), "chunked")
    assert loss.item() == pytest.approx(0.47000362924573555)
    assert bias.tolist() == pytest.approx([1 / 8, 2 / 8, -3 / 8])
    assert weight[:, 0].tolist() == pytest.approx(bias.tolist())


def test_improbable_and_certain_labels_are_exact() -> None:
    """A probability of e^-500 is zero in fp32, its loss is not."""
    head, hidden_RD, _ = problem(2, dtype=torch.float32)
    head.weight.data.zero_()[0] = 100.0
    hidden_RD.data.fill_(1.0)
    loss, _ = differentiated(head, hidden_RD, torch.tensor([1, 0]), "chunked")
    assert loss.item() == 500.0


def test_no_tokens_are_a_loss_of_zero() -> None:
    given_ = problem(0, bias=True)
    loss, grads = differentiated(*given_, "chunked")
    assert loss == 0 and all(not grad.any() for grad in grads)


def test_the_number_that_comes_in_scales_the_gradient() -> None:
    given_ = problem(20, bias=True)
    _, once = differentiated(*given_, "chunked")
    _, scaled = differentiated(*given_, "chunked", 65536 / 1000)
    for one, other in zip(once, scaled, strict=True):
        torch.testing.assert_close(one * 65.536, other, rtol=1e-14, atol=0)


def test_a_second_backward_and_a_second_derivative_are_refused() -> None:
    head, hidden_RD, labels_R = problem(20)
    loss = summed_loss(head, hidden_RD, labels_R)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    loss = summed_loss(head, hidden_RD, labels_R)
    with pytest.raises(RuntimeError, match="differentiated once only; trainer.head=plain can twice"):
        torch.autograd.grad(loss, hidden_RD, create_graph=True)


def test_micro_batches_accumulate() -> None:
    head, hidden_RD, labels_R = problem(40, bias=True)
    _, (_, *expected) = differentiated(head, hidden_RD, labels_R, "reference")
    for part in (slice(0, 9), slice(9, 40)):
        summed_loss(head, hidden_RD[part], labels_R[part]).backward()
    for parameter, grad in zip(head.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-13, atol=1e-14)


def test_the_same_bits_twice() -> None:
    given_ = problem(40, bias=True, dtype=torch.float32)
    first, second = (differentiated(*given_, "chunked") for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert all(map(torch.equal, first[1], second[1]))


class Made(TorchDispatchMode):
    """The shapes of all tensors that are made."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[torch.Size] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = out if isinstance(out, tuple | list) else [out]
        self.shapes += [tensor.shape for tensor in tensors if isinstance(tensor, Tensor)]
        return out

    def largest(self) -> int:
        return max(shape.numel() for shape in self.shapes)


@pytest.mark.parametrize("recorded", [True, False], ids=["training", "validation"])
@pytest.mark.parametrize("hooked", [False, True], ids=["bare", "with a hook"])
def test_the_logits_of_a_batch_never_exist(recorded: bool, hooked: bool) -> None:
    head, hidden_RD, labels_R = problem(40, bias=True)
    if hooked:
        head.register_forward_hook(lambda *_: None)
    for way, bound in (("chunked", ROWS * VOCABULARY), ("plain", 40 * VOCABULARY)):
        with Made() as made, nullcontext() if recorded else torch.no_grad():
            loss = summed_loss(head, hidden_RD, labels_R, way)
            if recorded:
                loss.backward()
        assert made.largest() <= bound
    assert made.largest() == 40 * VOCABULARY


def test_without_autograd_there_is_only_the_loss() -> None:
    head, hidden_RD, labels_R = problem(40, bias=True)
    with torch.no_grad(), Made() as made:
        loss = summed_loss(head, hidden_RD, labels_R)
    assert not loss.requires_grad and head.weight.shape not in made.shapes
    assert loss.item() == pytest.approx(differentiated(head, hidden_RD, labels_R, "reference")[0].item())


@pytest.mark.parametrize("frozen", ["weight", "hidden"])
def test_what_is_frozen_gets_no_gradient_and_no_buffer(frozen: str) -> None:
    head, hidden_RD, labels_R = problem(40)
    _, (states, weight) = differentiated(head, hidden_RD, labels_R, "reference")
    (head.weight if frozen == "weight" else hidden_RD).requires_grad_(False)
    with Made() as made:
        summed_loss(head, hidden_RD, labels_R).backward()
    pairs = {"weight": (head.weight, weight), "hidden": (hidden_RD, states)}
    shape = pairs[frozen][0].shape
    assert pairs.pop(frozen)[0].grad is None and shape not in made.shapes
    for tensor, grad in pairs.values():
        torch.testing.assert_close(tensor.grad, grad, rtol=1e-13, atol=1e-14)


def test_a_head_that_is_more_than_a_weight_is_called_for_each_chunk() -> None:
    class Doubled(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    plain, hidden_RD, labels_R = problem(4 * ROWS + 2)
    head = Doubled(WIDTH, VOCABULARY, bias=False, dtype=torch.float64)
    head.weight.data = plain.weight.data / 2
    rows: list[int] = []
    head.register_forward_hook(lambda module, args, out: rows.append(len(out)))
    loss, (states, weight) = differentiated(head, hidden_RD, labels_R, "chunked")
    assert rows[:5] == [6, 6, 6, 6, 6]
    expected = differentiated(plain, hidden_RD, labels_R, "reference")
    assert_near((loss, [states, weight / 2]), expected, 1e-14)
    with pytest.raises(UserError, match="trainer.head=liger.*use trainer.head=chunked"):
        summed_loss(head, hidden_RD, labels_R, "liger")


def test_one_chunk_under_autocast_has_the_gradients_of_the_plain_loss_bit_for_bit() -> None:
    given_ = problem(ROWS, bias=True, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        (loss, grads), (expected, wanted) = (differentiated(*given_, way) for way in ("chunked", "reference"))
    assert loss.dtype == torch.float32 and all(grad.dtype == torch.float32 for grad in grads)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-7)  # the sum runs in another order
    assert torch.equal(grads[0], wanted[0]) and torch.equal(grads[1], wanted[1])
    # torch rounds the bias's gradient to bf16 on its way, we do not.
    torch.testing.assert_close(grads[2], wanted[2], rtol=2**-8, atol=2**-8)


@pytest.mark.parametrize("true", [False, True], ids=["mixed", "true"])
def test_chunks_in_bf16_are_as_near_to_the_truth_as_the_plain_loss(true: bool) -> None:
    head, hidden_RD, labels_R = problem(20 * ROWS, dtype=torch.float32)
    if true:
        head, hidden_RD = head.bfloat16(), hidden_RD.detach().bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=not true):
        ours, theirs = (differentiated(head, hidden_RD, labels_R, way) for way in ("chunked", "reference"))
    assert ours[1][1].dtype == (torch.bfloat16 if true else torch.float32)
    truth = differentiated(head.double(), hidden_RD.detach().double().requires_grad_(), labels_R, "reference")
    for mine, other, exact in zip(ours[1], theirs[1], truth[1], strict=True):
        assert (mine - exact).norm() <= 1.1 * (other - exact).norm() + 1e-3 * exact.norm()
    assert ours[0].item() == pytest.approx(truth[0].item(), rel=1e-3)


def test_small_probabilities_survive_fp16_with_a_scaler() -> None:
    """A gradient of e^-20 is 2e-9 and fp16 ends at 6e-8: the scaler's 2^16 has to come before rounding."""
    head, hidden_RD, labels_R = problem(2 * ROWS, dtype=torch.float32)
    head.weight.data.zero_()[0] = 4.0
    hidden_RD.data.fill_(1.0)
    labels_R = torch.zeros_like(labels_R)
    with torch.autocast("cpu", torch.float16):
        _, (_, weight) = differentiated(head, hidden_RD, labels_R, "chunked", 2.0**16)
        early = ChunkedLoss.apply(hidden_RD, head.weight, None, labels_R)
    assert weight[1].tolist() == pytest.approx([2 * ROWS * 2**16 * 2.061e-9] * WIDTH, rel=1e-2)
    (vanished,) = torch.autograd.grad(early * 2.0**16, head.weight)
    assert not vanished[1].any()


def test_autocast_remembers_no_weight_without_its_history() -> None:
    head, hidden_RD, labels_R = problem(20, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        summed_loss(head, hidden_RD, labels_R)
        head(hidden_RD).float().sum().backward()
    assert head.weight.grad is not None


def student_of(kind: str) -> Student:
    if kind.startswith("t5"):
        tokenizer = tiny.t5_tokenizer()
        return EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer), tied="untied" not in kind))
    tokenizer = tiny.llama_tokenizer("first") if kind == "llama" else tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, 256, "alpaca", tiny.causal(kind, len(tokenizer)))


def of_hugging_face(student: Student, batch: Batch) -> tuple[Tensor, Grads]:
    """The model's own logits of all positions, prompt and padding too."""
    model = student.ready()
    logits = model(**{name: value for name, value in batch.items() if name != "labels"}).logits
    loss = cross_entropy(logits.flatten(0, 1).double(), batch["labels"].flatten(), reduction="sum")
    return loss.detach(), list(torch.autograd.grad(loss, list(model.parameters())))


@pytest.mark.parametrize("kind", ["t5 tied, scaled", "t5 untied", "gpt2", "gpt-neo", "gpt-j", "llama"])
@pytest.mark.parametrize("way", ["chunked", "plain"])
def test_students_have_the_gradients_of_hugging_face(kind: str, way: str) -> None:
    student = student_of(kind)
    batch, model = batch_of(student, tiny.PAIRS), student.ready().double()
    expected = of_hugging_face(student, batch)
    student.head_loss = way
    loss, count = student.loss(batch)
    assert way == "plain" or count > 1.5 * chunk_rows(int(count), len(student.tokenizer), "cpu")
    grads = list(torch.autograd.grad(loss, list(model.parameters())))
    assert len(grads) > 10
    assert_near((loss.detach(), grads), expected, 1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_columns_behind_the_vocabulary_change_nothing(bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    head = nn.Linear(8, 53, bias=bias, dtype=torch.float64)
    hidden_RD = torch.randn(30, 8, dtype=torch.float64, requires_grad=True)
    labels_R = torch.randint(53, (30,))
    monkeypatch.setitem(module.CHUNK_LOGITS, "cpu", 7 * 53)
    expected = differentiated(head, hidden_RD, labels_R, "chunked")
    monkeypatch.setitem(module.ALIGNED, "cpu", 64)
    assert len(module._aligned(head.weight)) == 64
    assert_near(differentiated(head, hidden_RD, labels_R, "chunked"), expected, 1e-12)


def test_students_are_chunked_unless_told() -> None:
    assert student_of("gpt2").head_loss == "chunked"


@pytest.mark.gpu
@pytest.mark.parametrize("way", ["chunked", "liger"])
@pytest.mark.parametrize("mixed", [False, True], ids=["fp32", "bf16-mixed"])
def test_on_a_gpu_the_loss_is_the_plain_one(way: str, mixed: bool) -> None:
    if way == "liger":
        pytest.importorskip("liger_kernel")
    torch.manual_seed(0)
    head = nn.Linear(64, 5003, device="cuda")
    hidden_RD = torch.randn(700, 64, device="cuda", requires_grad=True)
    labels_R = torch.randint(5003, (700,), device="cuda")
    with pytest.MonkeyPatch.context() as patch, torch.autocast("cuda", torch.bfloat16, enabled=mixed):
        patch.setitem(module.CHUNK_LOGITS, "cuda", 100 * 5003)
        got, expected = (differentiated(head, hidden_RD, labels_R, each) for each in (way, "reference"))
    assert_near(got, expected, 2e-2 if mixed else 1e-5)
