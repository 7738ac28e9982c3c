"""Bits a byte by hand, and a student's answers beside its baselines."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lamini.training import scoring
from lamini.training.prepare import prepare
from tests.training import small


def validation(responses: list[str], rows: list[int], lengths: list[int]) -> Any:
    table = pa.table({"response": responses})
    tokens = SimpleNamespace(rows_N=np.array(rows), response_lengths_N=np.array(lengths))
    return SimpleNamespace(validation_table=table, validation=tokens)


def test_bits_per_byte_by_hand() -> None:
    """3 tokens at 2.0 nats for a text of 12 bytes: 2.0 * 3 / ln 2 / 12 = 0.72."""
    assert scoring.bits_per_byte(2.0, validation(["twelve bytes"], [0], [3])) == pytest.approx(
        0.7213, abs=1e-4
    )


def test_bytes_count_and_not_letters_and_only_rows_that_were_scored() -> None:
    prepared = validation(["é" * 6, "left out for its length"], [0], [3])
    assert scoring.bits_per_byte(2.0, prepared) == pytest.approx(6 / math.log(2) / 12)
    assert scoring.bits_per_byte(None, prepared) is None


def test_a_uniform_guess_over_bytes_costs_eight_bits() -> None:
    assert scoring.bits_per_byte(math.log(256), validation(["abcd"], [0], [4])) == pytest.approx(8)


def test_the_same_student_scores_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small.config(tmp_path, "t5", "data.held_out=3", "validation.held_out=2")
    prepared = prepare(config)
    asked: list[tuple[int, int]] = []

    def generate(instructions: list[str], max_new_tokens: int) -> list[str]:
        asked.append((len(instructions), max_new_tokens))
        return ["no idea"] * len(instructions)

    monkeypatch.setattr(prepared.student, "generate", generate)
    scores = scoring.before_training(prepared, config)
    assert {axis: score["n"] for axis, score in scores.items()} == dict.fromkeys(scores, 2)
    assert all(score["untrained"] == 0 and "student" not in score for score in scores.values())
    answers = {
        row["instruction"]: row["response"]
        for table in prepared.corpus.held_out.values()
        for row in table.to_pylist()
    }
    monkeypatch.setattr(
        prepared.student, "generate", lambda asked, max_new_tokens: [answers[i] for i in asked]
    )
    after = scoring.after_training(prepared, config, scores)
    assert all(score["student"] == 1 for score in after.values())
    assert all("student" not in score for score in scores.values())
    longest = int(prepared.train.response_lengths_N.max())
    assert asked == [(2, min(longest, 128))] * 3
