"""The baselines: what they answer, how fast, and how little they get right."""

import time

import pytest

from lamini.errors import UserError
from lamini.evaluation.baselines import NearestNeighbour, exact_match, majority_answer
from lamini.teacher.oracle import Row, generate


def _row(instruction: str, response: str, kind: str = "addition") -> Row:
    return Row(instruction, response, "alpaca", kind, "", "", "")


def test_majority_answer_is_the_most_frequent_and_the_first_of_equals() -> None:
    assert majority_answer([_row("a", "no"), _row("b", "yes"), _row("c", "yes")]) == "yes"
    assert majority_answer([_row("a", "no"), _row("b", "yes")]) == "no"
    with pytest.raises(UserError, match="at least one"):
        majority_answer([])


def test_nearest_neighbour_prefers_overlap_and_then_the_first_row() -> None:
    nearest = NearestNeighbour(
        ["What is 3 plus 4?", "What is 3 times 4?", "What is 3 plus 4?", "Name a fruit."],
        ["7", "12", "seven", "apple"],
    )
    assert nearest.answer("What is 3 times 4?") == "12"
    assert nearest.answer("what is 3 plus 4?") == "7"
    assert nearest.answer("Name a fruit, please") == "apple"
    assert nearest.answer("zzz") == "7"


def test_nearest_neighbour_sees_the_order_of_words() -> None:
    nearest = NearestNeighbour(["red apple dog", "dog apple red"], ["first", "second"])
    assert nearest.answer("dog apple red") == "second"
    assert nearest.answer("red apple dog") == "first"


def test_bad_input_is_refused() -> None:
    with pytest.raises(UserError, match="as many responses"):
        NearestNeighbour(["a"], [])
    with pytest.raises(UserError, match="as many responses"):
        NearestNeighbour([], [])
    with pytest.raises(UserError, match="as many answers"):
        exact_match([_row("What is 1 plus 2?", "3")], [])


def test_exact_match_uses_the_checks_of_the_kinds() -> None:
    rows = [_row("What is 10 plus 20?", "30"), _row("What is 10 plus 21?", "31")]
    assert exact_match(rows, ["30.", "thirty-one"]) == 0.5


def test_baselines_are_weak_on_held_out_rows_and_perfect_on_trained_ones() -> None:
    data = generate(20_000, 400, seed=0)
    train = data["train"]
    nearest = NearestNeighbour([row.instruction for row in train], [row.response for row in train])
    started = time.perf_counter()
    found = [nearest.answer(row.instruction) for row in data["new_instances"]]
    assert time.perf_counter() - started < 5
    assert exact_match(data["new_instances"], found) <= 0.3
    constant = [majority_answer(train)] * 400
    assert exact_match(data["new_instances"], constant) <= 0.06
    assert exact_match(train[:400], [nearest.answer(row.instruction) for row in train[:400]]) == 1
