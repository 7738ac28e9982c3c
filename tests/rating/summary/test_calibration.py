"""People with each other, and a judge with people, on all texts and on those that several rated."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from lamini.rating.summary.calibration import among_people, calibrated, ranking
from lamini.rating.summary.collected import levels_of
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, collected

STUDY = small.study("responses", items=4)  # twelve texts
ANN, BO, JUDGE = "ABCDABCDABCD", "ABDDABCC----", "BBCDBBCDBBCD"


def test_two_people_are_told_once_and_three_pair_by_pair() -> None:
    two = collected(STUDY, {"ann": ANN, "bo": BO})
    assert [one.between for one in among_people(STUDY, levels_of(two.people), BOOTSTRAP)] == ["people"]
    three = collected(STUDY, {"ann": ANN, "bo": BO, "cy": "--------ABCC"})
    found = among_people(STUDY, levels_of(three.people), BOOTSTRAP)
    assert [(one.between, one.units) for one in found] == [
        ("people", 12),
        ("ann and bo", 8),
        ("ann and cy", 4),
    ]
    (pair,) = [one for one in found if one.between == "ann and bo"]
    assert pair.kappa["quadratic"].value == pytest.approx(
        cohen_kappa_score(list(ANN[:8]), list(BO[:8]), weights="quadratic")
    )


def test_a_judge_beside_people() -> None:
    found = collected(STUDY, {"ann": ANN, "bo": BO}, {"judge m": JUDGE})
    (one,) = calibrated(found, {}, {}, BOOTSTRAP)
    assert one.people and (one.people.units, one.people.items) == (20, 4)
    assert one.shared and (one.shared.units, one.shared.items) == (16, 3)
    first, second = list(JUDGE[:8]) * 2 + list(JUDGE[8:]), list(ANN[:8] + BO[:8] + ANN[8:])
    assert one.people.kappa["linear"].value == pytest.approx(
        cohen_kappa_score(first, second, weights="linear")
    )
    assert one.people.equal.value == pytest.approx(
        np.mean([a == b for a, b in zip(first, second, strict=True)])
    )
    assert one.set_aside == {} and one.ranking is None


def test_a_judge_where_no_person_rated_the_same() -> None:
    found = collected(STUDY, {"ann": "AAA"}, {"judge m": "---BBB"})
    (one,) = calibrated(found, {}, {}, BOOTSTRAP)
    assert one.people is None and one.shared is None


def test_ranking_is_kendall_s() -> None:
    people = {("response", name): value for name, value in zip("abcd", [3.0, 2.0, 1.0, 0.5], strict=True)}
    assert ranking(people, people) == 1.0
    assert ranking(people, {key: -value for key, value in people.items()}) == -1.0
    swapped = {**people, ("response", "a"): 1.5}
    assert ranking(people, swapped) == pytest.approx(4 / 6)  # one of six pairs stands the other way
    assert ranking(dict(list(people.items())[:2]), people) is None
    assert ranking(people, dict.fromkeys(people, 1.0)) is None
