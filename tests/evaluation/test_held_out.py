"""Exact match on the held-out axes: who knows all, who knows nothing, and what needs no student."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa
import pytest

from lamini.evaluation import held_out
from lamini.teacher.oracle import generate

PAIRS, HELD_OUT = 300, 12


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    rows = generate(PAIRS, HELD_OUT, 0, 0.0)
    return {axis: pa.Table.from_pylist([asdict(row) for row in part]) for axis, part in rows.items()}


@pytest.fixture(scope="module")
def axes(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    return {axis: table for axis, table in tables.items() if axis != "train"}


def test_the_teacher_is_always_right_and_silence_never(axes: dict[str, pa.Table]) -> None:
    known = {row["instruction"]: row["response"] for table in axes.values() for row in table.to_pylist()}
    perfect = held_out.score(axes, HELD_OUT, lambda asked: [known[text] for text in asked])
    silent = held_out.score(axes, HELD_OUT, lambda asked: [""] * len(asked))
    assert perfect == dict.fromkeys(("new_instances", "new_phrasings", "unseen_kinds"), 1.0)
    assert silent == dict.fromkeys(perfect, 0.0)


def test_half_right_is_half(axes: dict[str, pa.Table]) -> None:
    known = {row["instruction"]: row["response"] for table in axes.values() for row in table.to_pylist()}

    def every_other(asked: list[str]) -> list[str]:
        return [known[text] if number % 2 else "" for number, text in enumerate(asked)]

    assert held_out.score(axes, HELD_OUT, every_other) == dict.fromkeys(axes, 0.5)


def test_only_the_first_rows_are_asked(axes: dict[str, pa.Table]) -> None:
    asked: list[int] = []

    def answer(instructions: list[str]) -> list[str]:
        asked.append(len(instructions))
        return [""] * len(instructions)

    held_out.score(axes, 5, answer)
    assert asked == [5, 5, 5]
    table = axes["new_instances"]
    assert held_out.rows(table, 2) == table.select(["kind", "instruction", "response"]).to_pylist()[:2]
    assert len(held_out.rows(table, 1000)) == HELD_OUT


def test_baselines_answer_with_the_majority_and_the_neighbour(
    tables: dict[str, pa.Table], axes: dict[str, pa.Table]
) -> None:
    scores = held_out.baselines(axes, 1000, tables["train"])
    assert set(scores) == set(axes)
    for score in scores.values():
        assert score.keys() == {"n", "majority", "nearest_neighbour"} and score["n"] == HELD_OUT
        assert 0 <= score["majority"] <= 1 and 0 <= score["nearest_neighbour"] <= 1
    # Asked for rows that it has seen, the lookup knows them all and the majority answer still hardly any.
    seen = held_out.baselines({"seen": tables["train"]}, 50, tables["train"])["seen"]
    assert seen["nearest_neighbour"] == 1 and seen["majority"] < 0.5
