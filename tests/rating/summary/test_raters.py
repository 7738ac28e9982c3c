"""Raters: how mild, beside those who rated the same."""

from __future__ import annotations

import pytest

from lamini.rating.summary.raters import Rated, rated
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, given

STUDY = small.study("responses", items=3)  # nine texts


def rows(people: dict[str, str], judges: dict[str, str] | None = None) -> dict[str, Rated]:
    found = rated(STUDY, given(STUDY, people, 10.0), given(STUDY, judges or {}), BOOTSTRAP)
    return {row.rater: row for row in found}


def test_leniency_by_hand() -> None:
    """bo gives one less than ann on the first item, two less on the second; nobody else rated the third."""
    found = rows({"ann": "AAAAAA---", "bo": "BBBCCCDDD"})
    assert found["ann"].leniency.value == pytest.approx(1.5) and found["bo"].leniency.value == -1.5
    assert (found["ann"].shared, found["bo"].shared) == (6, 6)
    assert found["bo"].mean == 1.0 and found["bo"].overall == -2.0
    assert found["ann"].leniency.interval == (1.0, 2.0)  # one item, the other, or both
    assert (found["bo"].items, found["bo"].ratings, found["bo"].seconds) == (3, 9, 10.0)


def test_of_three_the_others_are_averaged() -> None:
    found = rows({"ann": "A", "bo": "B", "cy": "D"})
    assert found["ann"].leniency.value == 2.0 and found["ann"].leniency.interval is None


def test_a_judge_stands_beside_people_and_not_among_them() -> None:
    found = rows({"ann": "AAA", "bo": "---BBB"}, {"judge m": "DDDDDD"})
    assert found["ann"].leniency.value is None and found["ann"].overall == 1.0
    assert found["judge m"].kind == "judge" and found["judge m"].leniency.value == -2.5
    assert found["judge m"].seconds is None


def test_a_preference_has_no_mildness() -> None:
    study = small.study("preference", items=2)
    (row,) = rated(study, given(study, {"ann": "12T"}), (), BOOTSTRAP)
    assert (row.ratings, row.mean, row.leniency.value) == (3, None, None)
