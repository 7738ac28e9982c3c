"""Rows rounded up to a multiple: few shapes, the same loss."""

from __future__ import annotations

import pytest

from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.protocol import Student
from tests.students import tiny
from tests.students.test_packed import ROWS, collated, loss_of, student_of


def decoder_only(context: int) -> Student:
    student = DecoderOnly(tiny.word_tokenizer(False), context, "bare")
    student.multiple = 4
    return student


def test_widths_are_the_worked_example() -> None:
    assert [decoder_only(10).width(longest) for longest in (3, 4, 8, 9, 11)] == [4, 4, 8, 10, 12]
    student = decoder_only(10)
    student.multiple = 1
    assert [student.width(longest) for longest in (3, 9, 11)] == [3, 9, 11]


def test_rows_of_a_pair_are_the_worked_example() -> None:
    batch = decoder_only(20).collate([[3, 4, 5], [6, 8]], [[7, 7, 1], [8, 1]])
    assert batch["input_ids"].tolist() == [[3, 4, 5, 7, 7, 1, 1, 1], [6, 8, 8, 1, 1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[-100, -100, 7, 7, 1] + [-100] * 3, [-100, 8, 1] + [-100] * 5]
    assert batch["position_ids"].tolist() == [list(range(8))] * 2


def test_packed_rows_are_the_worked_example() -> None:
    batch = decoder_only(20).collate([[3, 4], [6, 8]], [[7, 1], [1]], [[0, 1]])
    assert batch["segment_ids"].tolist() == [[1, 1, 1, 2, 2, 0, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0, 0, 0]]


def test_both_sides_of_an_encoder_decoder_are_rounded() -> None:
    student = EncoderDecoder(tiny.word_tokenizer(True), 20, "bare")
    student.multiple = 4
    batch = student.collate([[3, 4, 5, 6, 1]], [[7, 1]])
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]]
    assert batch["decoder_input_ids"].tolist() == [[0, 7, 0, 0]]
    assert batch["labels"].tolist() == [[7, 1, -100, -100]]


@pytest.mark.parametrize("rows", [ROWS, None], ids=["packed", "padded"])
@pytest.mark.parametrize("kind", ["t5", "gpt2", "llama"])
def test_the_loss_stays(kind: str, rows: list[list[int]] | None) -> None:
    student = student_of(kind)
    tiny.lively(student.ready())
    loss = loss_of(student, collated(student, rows))
    student.multiple = 32
    batch = collated(student, rows)
    assert batch["labels"].shape[1] % 32 == 0
    assert loss_of(student, batch) == pytest.approx(loss, rel=1e-6)
