"""Packed rows are exact: loss and gradients of pairs that share a row are those of pairs on their own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import PreTrainedModel

from lamini.students.attention.backends import use
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.masks import additive, block_mask, packed_mask, pair_begins, pair_lengths
from lamini.students.protocol import Batch, Features, Student
from tests.students import tiny

KINDS = ["t5", "t5-untied", "gpt2", "gpt-neo", "gpt-j", "pythia", "llama", "qwen3"]
LEAK = 1e-4  # relative: a hundred times what separates exact ways to compute a loss in fp32
ROWS = [[0, 1, 2, 3], [4], [5, 6, 7]]


def student_of(kind: str, attention: str = "sdpa") -> Student:
    if kind.startswith("t5"):
        tokenizer = tiny.t5_tokenizer()
        model: PreTrainedModel = tiny.t5(len(tokenizer), kind == "t5")
        student: Student = EncoderDecoder(tokenizer, 64, "bare", model)
    else:
        tokenizer = tiny.gpt2_tokenizer()
        model = tiny.causal(kind, len(tokenizer))
        student = DecoderOnly(tokenizer, 256, "alpaca", model)
    use(model, attention)
    return student


def features_of(student: Student) -> list[Features]:
    rows = student.encode([p[0] for p in tiny.PAIRS], [p[1] for p in tiny.PAIRS])
    return [row for row in rows if row is not None]


def collated(student: Student, rows: list[list[int]] | None, pairs: list[int] | None = None) -> Batch:
    features = features_of(student)
    chosen = [features[i] for i in (pairs or range(len(features)))]
    return student.collate([row.prompt for row in chosen], [row.response for row in chosen], rows)


def loss_and_gradient(student: Student, batches: list[Batch]) -> tuple[Tensor, Tensor]:
    model = student.ready()
    model.zero_grad()
    total = torch.zeros((), dtype=model.dtype, device=model.device)
    for batch in batches:
        loss, _ = student.loss(batch)
        loss.backward()
        total = total + loss.detach()
    return total, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def loss_of(student: Student, batch: Batch) -> float:
    with torch.no_grad():
        return float(student.loss(batch)[0])


def differences(student: Student, left: list[Batch], right: list[Batch]) -> tuple[float, float]:
    """Relative distance of losses and of gradients."""
    (loss, gradient), (other, its) = (loss_and_gradient(student, batches) for batches in (left, right))
    return float((loss - other).abs() / other), float((gradient - its).norm() / its.norm())


@pytest.mark.parametrize("attention", ["sdpa", "eager", "split", "adaptive"])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_equals_each_pair_alone(kind: str, attention: str) -> None:
    student = student_of(kind, attention)
    alone = [collated(student, None, [i]) for i in range(8)]
    loss, gradient = differences(student, [collated(student, ROWS)], alone)
    assert loss < 1e-6 and gradient < 1e-5


@pytest.mark.parametrize("attention", ["sdpa", "split"])
@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-neo", "gpt-j", "llama"])
def test_lively_weights_in_float64_agree_to_the_last_digits(kind: str, attention: str) -> None:
    """At birth attention is almost even, so a leak would be small; here it would be large."""
    student = student_of(kind, attention)
    tiny.lively(student.ready()).double()
    alone = [collated(student, None, [i]) for i in range(8)]
    loss, gradient = differences(student, [collated(student, ROWS)], alone)
    assert loss < 1e-6 and gradient < 1e-12  # the losses are summed in float32


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_labels_stand_pair_after_pair(kind: str) -> None:
    student = student_of(kind)
    _, packed_R = student.responses(collated(student, ROWS))
    _, plain_R = student.responses(collated(student, None))
    assert packed_R.tolist() == plain_R.tolist()


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(8)), cuts=st.sets(st.integers(1, 7)))
def test_any_rows_give_the_same_loss(kind: str, order: list[int], cuts: set[int]) -> None:
    student = student_of(kind)
    edges = [0, *sorted(cuts), 8]
    rows = [list(range(a, b)) for a, b in zip(edges, edges[1:], strict=False)]
    with torch.no_grad():
        packed, _ = student.loss(collated(student, rows, list(order)))
        plain, _ = student.loss(collated(student, None))
    assert abs(float(packed - plain)) / float(plain) < 1e-6


def test_a_shift_of_the_whole_row_would_leak() -> None:
    """transformers' own `_shift_right` shows a pair's decoder the last token of the pair before."""
    student = student_of("t5")
    tiny.lively(student.ready())
    batch = collated(student, ROWS)
    true = loss_of(student, batch)
    shifted = student.ready()._shift_right(batch["labels"])
    assert not torch.equal(shifted * (batch["labels"] >= 0), batch["decoder_input_ids"])
    leaked = loss_of(student, {**batch, "decoder_input_ids": shifted})
    assert abs(leaked - true) / true > LEAK


@pytest.mark.parametrize("kind", ["t5", "gpt2", "llama"])
def test_a_mask_of_two_dimensions_would_leak(kind: str) -> None:
    """All ones for all tokens is what a padded batch has, and lets pairs of a row see each other."""
    student = student_of(kind)
    tiny.lively(student.ready())
    batch = collated(student, ROWS)
    true = loss_of(student, batch)
    ones = {name: (batch[name] > 0).long() for name in batch if name.endswith("segment_ids")}
    leaked = loss_of(student, {**batch, **ones})
    assert abs(leaked - true) / true > LEAK


def test_positions_that_do_not_start_anew_would_change_learned_ones() -> None:
    student = student_of("gpt2")
    tiny.lively(student.ready())
    batch = collated(student, ROWS)
    running = torch.arange(batch["input_ids"].shape[1]).expand_as(batch["input_ids"])
    true, other = loss_of(student, batch), loss_of(student, {**batch, "position_ids": running})
    assert abs(other - true) / true > LEAK


def test_the_mask_is_the_worked_example() -> None:
    segments_BT = torch.tensor([[1, 1, 2, 0]])
    mask = block_mask(segments_BT, segments_BT, causal=True)
    assert mask.int().tolist() == [[[[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]]]]
    added = additive(mask, torch.float32)
    assert torch.equal(added == 0, mask) and float(added.min()) == torch.finfo(torch.float32).min


@pytest.mark.parametrize("attention", ["sdpa", "eager", "split", "adaptive"])
def test_padding_between_encoder_and_decoder_makes_no_nan(attention: str) -> None:
    """A row whose encoder side is full and whose decoder side is padded has queries without keys."""
    student = student_of("t5", attention)
    batch = student.collate([[5] * 9, [5] * 3], [[7, 1], [7] * 5], [[0], [1]])
    loss, gradient = loss_and_gradient(student, [batch])
    assert torch.isfinite(loss) and torch.isfinite(gradient).all()


def test_lengths_and_begins_of_pairs_are_the_worked_examples() -> None:
    queries, keys = torch.tensor([[1, 1, 2, 0], [1, 2, 2, 2]]), torch.tensor([[1, 2, 2], [1, 1, 2]])
    lengths = pair_lengths(queries, keys)
    assert lengths.tolist() == [[[[2, 1, 1, 1, 3], [1, 2, 0, 2, 1]]]]
    begins = pair_begins(lengths[..., :1, :3])
    assert begins.tolist() == [[[[0, 2, 3, 4]]]] and begins.dtype == torch.int32


def test_other_architectures_are_refused_with_the_reason() -> None:
    assert DecoderOnly.packing_obstacle("llama") is None
    assert "not known to be exact with model_type bloom" in str(DecoderOnly.packing_obstacle("bloom"))
    assert "it is with t5" in str(EncoderDecoder.packing_obstacle("bart"))


def test_adaptive_takes_long_pairs_by_themselves_and_masks_short_ones() -> None:
    """Between the pairs of a row of 2 x 400 positions lie 320,000 scores, between 2 x 20 only 800."""
    student = student_of("gpt2", "adaptive")
    model = student.ready()
    for length, kind in ((20, torch.bool), (400, torch.int64)):
        segments_BT = torch.tensor([[1] * length + [2] * length])
        assert packed_mask(model, segments_BT, segments_BT, causal=True).dtype is kind
