"""Our loss is Hugging Face's, step by step, however a step is cut into micro-batches."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Features, Student
from tests.students import tiny

STEPS = 8
KINDS = ["t5", "t5-untied", "gpt2", "gpt-neo", "llama"]


def student_of(kind: str) -> Student:
    if kind.startswith("t5"):
        tokenizer = tiny.t5_tokenizer()
        return EncoderDecoder(tokenizer, 64, "bare", tiny.t5(len(tokenizer), kind == "t5"))
    tokenizer = tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, 256, "alpaca", tiny.causal(kind, len(tokenizer)))


def features_of(student: Student) -> list[Features]:
    rows = student.encode([p[0] for p in tiny.PAIRS], [p[1] for p in tiny.PAIRS])
    return [row for row in rows if row is not None]


def padded(rows: list[list[int]], fill: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows])


def reference_inputs(kind: str, rows: list[Features]) -> dict[str, Tensor]:
    """What one would hand to `model(**inputs)`, written without the code under test."""
    if kind.startswith("t5"):
        inputs, labels = [row.prompt for row in rows], [row.response for row in rows]
    else:
        inputs = [row.prompt + row.response for row in rows]
        labels = [[-100] * len(row.prompt) + row.response for row in rows]
    mask = padded([[1] * len(row) for row in inputs], 0)
    return {"input_ids": padded(inputs, 0), "attention_mask": mask, "labels": padded(labels, -100)}


def optimizer_of(model: PreTrainedModel) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_training_equals_a_plain_hugging_face_loop(kind: str) -> None:
    student = student_of(kind)
    assert student.model is not None
    student.model.train()
    reference = copy.deepcopy(student.model)
    ours, theirs = optimizer_of(student.model), optimizer_of(reference)
    rows = features_of(student)
    batch = student.collate([row.prompt for row in rows], [row.response for row in rows])
    inputs = reference_inputs(kind, rows)
    losses = []
    for _ in range(STEPS):
        total, count = student.loss(batch)
        loss = total / count
        expected = reference(**inputs).loss
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        losses.append(loss.item())
        for value, optimizer in ((loss, ours), (expected, theirs)):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_four_micro_batches_equal_one_batch(kind: str) -> None:
    student = student_of(kind)
    rows = features_of(student)
    whole = gradients(student, [rows])
    parts = gradients(student, [rows[:1], rows[1:4], rows[4:6], rows[6:]])
    for name, gradient in whole.items():
        difference = (gradient - parts[name]).norm()
        assert difference <= 1e-5 * gradient.norm(), name


def gradients(student: Student, micro_batches: list[list[Features]]) -> dict[str, Tensor]:
    """Gradients of the summed loss divided once by the tokens of all micro-batches."""
    assert student.model is not None
    student.model.zero_grad()
    tokens = sum(len(row.response) for rows in micro_batches for row in rows)
    for rows in micro_batches:
        batch = student.collate([row.prompt for row in rows], [row.response for row in rows])
        total, _ = student.loss(batch)
        (total / tokens).backward()
    named = student.model.named_parameters()
    return {name: value.grad.clone() for name, value in named if value.grad is not None}
