"""The rows are those that training holds out, the same for everybody, and nothing that training shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.compose import compose
from lamini.errors import UserError
from lamini.evaluation import held_out
from lamini.evaluation.oracle_tasks.rows import answered, chosen, judged, picked, spelled
from lamini.teacher.oracle import generate, is_right

AXES = ["new_instances", "new_phrasings", "unseen_kinds"]


@pytest.mark.parametrize("axis", AXES)
def test_rows_are_those_that_training_scores(axis: str) -> None:
    config = compose("train", ["model=t5-nano", "data=oracle", "data.pairs=10"])
    trained = config.data.load(Path("unused"), config.seed).held_out[axis]
    scored = held_out.rows(trained, config.validation.held_out)
    assert list(answered(axis, seed=0, rows=300)["test"]) == scored
    assert len(scored) == 300


@pytest.mark.parametrize("axis", AXES)
def test_choices_are_of_the_same_rows_and_one_of_them_is_right(axis: str) -> None:
    plain = answered(axis, seed=0, rows=300, version=1, pretrained="x")["test"]
    rows = chosen(axis, seed=0, rows=300)["test"]
    assert rows["instruction"] == plain["instruction"]
    for row, response in zip(rows, plain["response"], strict=True):
        right = [is_right(row["kind"], row["instruction"], choice) for choice in row["choices"]]
        assert right == [place == row["label"] for place in range(len(right))]
        assert row["choices"][row["label"]] == response
    assert list(rows) == list(chosen(axis, seed=0, rows=300)["test"])
    places = [sum(label == place for label in rows["label"]) for place in range(4)]
    assert min(places) > 50  # of 300: no place is the answer
    chance = sum(1 / len(row["choices"]) for row in rows) / len(rows)
    assert 0.25 <= chance < 0.27


@pytest.mark.parametrize("seed", [0, 1])
def test_no_row_is_in_training_data_of_any_seed(seed: int) -> None:
    trained = {row.instruction for row in generate(20_000, 0, seed)["train"]}
    kinds = {row.kind for row in generate(2_000, 0, seed)["train"]}
    for axis in AXES:
        rows = answered(axis, seed=0, rows=300)["test"]
        assert not trained & set(rows["instruction"])
        assert (axis == "unseen_kinds") == (not kinds & set(rows["kind"]))


def test_the_oracle_judges() -> None:
    row = {"kind": "which_is", "instruction": "Which of these is a tool: cat, saw, tea?"}
    assert [judged(row, [text]) for text in ("The saw.", "cat", "")] == [
        {"exact_match": 1.0},
        {"exact_match": 0.0},
        {"exact_match": 0.0},
    ]


def test_a_choice_counts_as_its_likelier_spelling() -> None:
    row = {"choices": ["to", "seven"], "label": 1}
    assert spelled(row) == ["to", "seven", " to", " seven"]

    def outcome(*logprobs: float) -> dict[str, float]:
        return picked(row, [(logprob, False) for logprob in logprobs])

    assert outcome(-2.0, -3.0, -9.0, -1.0) == {"acc": 1.0, "acc_norm": 1.0}
    assert outcome(-9.0, -3.0, -2.0, -9.0) == {"acc": 0.0, "acc_norm": 1.0}  # -1 and -0.6 a character
    assert outcome(-1.0, -9.0, -9.0, -9.0) == {"acc": 0.0, "acc_norm": 0.0}


def test_more_rows_than_there_are_is_an_error() -> None:
    with pytest.raises(UserError, match="ask for fewer"):
        answered("unseen_kinds", seed=0, rows=10**6)
