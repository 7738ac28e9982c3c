"""The items that people disagree on most."""

from __future__ import annotations

from lamini.rating.summary.disagreement import disputed
from tests.rating import small
from tests.rating.summary.rows import given


def test_the_furthest_apart_come_first() -> None:
    study = small.study("responses", items=4)
    people = {"ann": "AAA" + "ABA" + "AAA" + "ABC", "bo": "AAA" + "BBA" + "DAA" + "---"}
    found = disputed(study, given(study, people))
    assert [(row.id, row.apart, row.raters) for row in found] == [("task_2", 1.0, 2), ("task_1", 1 / 3, 2)]
    assert found[0].given == {"flan-t5-small": {"ann": "A", "bo": "D"}}
    assert found[0].instruction == "Name 2 colours." and found[0].group == "app 0"
    assert disputed(study, given(study, people), most=1) == found[:1]


def test_parts_of_a_pair_are_told_apart() -> None:
    study = small.study("pairs", items=1)
    (row,) = disputed(study, given(study, {"ann": "AB", "bo": "AD"}))
    assert row.given == {"self_instruct (response)": {"ann": "B", "bo": "D"}} and row.apart == 1.0


def test_without_an_order_all_differences_are_equal() -> None:
    study = small.study("preference", items=1)
    (row,) = disputed(study, given(study, {"ann": "1TT", "bo": "TTT", "cy": "2TT"}))
    assert row.apart == 3 / 9 and list(row.given) == ["flan-t5-small / gpt2-medium"]
