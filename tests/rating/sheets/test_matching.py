"""Students who were asked different instructions are told apart, or what all have is taken."""

from __future__ import annotations

import pytest

from lamini.errors import UserError
from lamini.rating.reading import Answer
from lamini.rating.sheets.matching import by_instruction


def answers(**students: str) -> list[Answer]:
    """answers(a="oo", b="ox", c=" o"): b failed on t1, c was not asked t0."""
    return [
        Answer(student, f"t{number}", f"Name {number}.", None if mark == "x" else f"{student}{number}", "")
        for student, marks in students.items()
        for number, mark in enumerate(marks)
        if mark != " "
    ]


def test_the_same_instructions() -> None:
    asked, told = by_instruction(answers(a="ooo", b="ooo"), common=False)
    assert [one.id for one in asked] == ["t0", "t1", "t2"]
    assert asked[1].responses == {"a": "a1", "b": "b1"}
    assert told == []


def test_who_lacks_what_is_named() -> None:
    with pytest.raises(UserError) as caught:
        by_instruction(answers(a="oooooo", b="o     ", c="oo ooo"), common=False)
    assert str(caught.value) == (
        "the students were asked different instructions: b lacks 5 of 6 (t1, t2, t3, ...);"
        " c lacks 1 of 6 (t2); sheet.common=true takes the 1 that all have"
    )


def test_what_all_have_is_taken_on_demand_and_told() -> None:
    asked, told = by_instruction(answers(a="oooo", b=" ooo", c="ooo "), common=True)
    assert [one.id for one in asked] == ["t1", "t2"]
    assert told == ["2 of 4 instructions are left out: not all were asked them"]


def test_nothing_in_common() -> None:
    with pytest.raises(UserError, match="there is none that all have"):
        by_instruction(answers(a="o ", b=" o"), common=True)


def test_failures_are_told_and_no_difference() -> None:
    """A student that was asked and gave no answer was asked."""
    asked, told = by_instruction(answers(a="ooo", b="xox"), common=False)
    assert asked[0].responses == {"a": "a0", "b": None}
    assert told == ["b gave no answer to 2 of 3 instructions: not rated there"]
