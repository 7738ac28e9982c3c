"""Counts by owner: shared texts, the paper's order and rows, means, Wilson's interval."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from scipy.stats import binomtest

from lamini.rating.study import Item, Study, Target, sealed
from lamini.rating.summary.collected import levels_of
from lamini.rating.summary.counts import Counted, counts, scores, top_letters, wilson
from lamini.rating.summary.paper import FILE, published, published_of
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, given


def counted(study: Study, people: dict[str, str]) -> list[Counted]:
    return counts(study, levels_of(given(study, people)), BOOTSTRAP)


def responses(owners: dict[str, int]) -> Study:
    """So many items; an owner has a response in the first ones."""
    items = [
        Item("", f"task_{n}", "", f"Do {n}", tuple(
            Target("", "response", (f"{owner} {n}",), (owner,))
            for owner, count in owners.items() if n < count
        ))
        for n in range(max(owners.values()))
    ]  # fmt: skip
    return sealed("responses", small.QUALITY, items)


def test_a_text_with_two_raters_counts_once() -> None:
    study = responses({"x": 4})
    (row,) = counted(study, {"ann": "AABD", "bo": "B---"})
    assert row.counts == {"A": 1.5, "B": 1.5, "C": 0.0, "D": 1.0} and row.rated == 4
    assert row.top.value == 0.75
    assert row.mean.value == pytest.approx((2.5 + 3 + 2 + 0) / 4)
    assert row.mean.interval is not None and row.mean.interval[0] < 1.875 < row.mean.interval[1]


def test_what_is_not_rated_and_what_is_not_there_are_told_apart() -> None:
    study = responses({"x": 4, "y": 2})
    rows = {row.owner: row for row in counted(study, {"ann": "AA"})}  # the first item alone
    assert (rows["x"].rated, rows["x"].unrated, rows["x"].left_out) == (1, 3, 0)
    assert (rows["y"].rated, rows["y"].unrated, rows["y"].left_out) == (1, 1, 2)
    nobody = {row.owner: row for row in counted(study, {"ann": "A-"})}["y"]
    assert nobody.rated == 0 and nobody.top.value is None and nobody.mean.value is None


def test_owners_stand_in_the_paper_s_order_and_others_by_a_and_b() -> None:
    study = responses({"mine": 2, "lamini-gpt-124m": 2, "Alpaca-7B": 2, "other": 2, "third": 2})
    rows = counted(study, {"ann": "CDAADDBBBA"})
    assert [row.owner for row in rows] == ["Alpaca-7B", "lamini-gpt-124m", "other", "third", "mine"]
    assert [row.top.value for row in rows] == [1.0, 0.5, 1.0, 0.5, 0.0]
    assert rows[1].paper == {"A": 9, "B": 14, "C": 44, "D": 47} and rows[2].paper is None


def test_sources_are_rated_by_part() -> None:
    study = small.study("pairs", items=6)
    rows = counted(study, {"ann": "AB" * 6})
    assert [(row.part, row.owner) for row in rows if row.part == "instruction"][-1] == (
        "instruction", "self_instruct",
    )  # fmt: skip
    assert {(row.part, row.top.value, row.counts["A"]) for row in rows} == {
        ("instruction", 1.0, 2.0), ("response", 1.0, 0.0),
    }  # fmt: skip
    assert {row.owner: row.paper["A"] for row in rows if row.paper and row.part == "instruction"} == {
        "alpaca": 381, "original_p3": 400,
    }  # fmt: skip
    assert all(row.left_out == 0 for row in rows)


def test_two_levels_are_rejected_or_not() -> None:
    study = small.study("hallucination", items=4)
    rows = {row.owner: row for row in counted(study, {"ann": "RHH" * 4})}
    assert top_letters(study.scale) == ("R",)
    assert {owner: row.top.value for owner, row in rows.items()} == {
        "flan-t5-small": 1.0, "gpt2-medium": 0.0, "gpt-3.5-turbo": 0.0,
    }  # fmt: skip
    assert rows["gpt-3.5-turbo"].paper == {"R": 39, "H": 1}


def test_the_last_level_is_nought() -> None:
    assert scores(small.QUALITY) == {"A": 3, "B": 2, "C": 1, "D": 0}


@drawn(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_s_interval_is_scipy_s(pair: tuple[int, int]) -> None:
    theirs = binomtest(*pair).proportion_ci(0.95, method="wilson")
    assert wilson(*pair) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_only_a_name_of_the_paper_s_is_the_paper_s() -> None:
    assert published_of("responses", "response", "lamini-flan-t5-77m") == (
        "LaMini-Flan-T5-77M",
        [29, 18, 38, 29],
    )
    assert published_of("responses", "response", "flan-t5-small") is None
    assert published("preference", "pair") == {} and published("responses", "other") == {}


def test_the_paper_s_counts_are_those_read_from_it() -> None:
    figure5 = published("responses", "response")
    assert len(figure5) == 22 and all(sum(row) == 114 for row in figure5.values())
    beside = Path(__file__).parents[3].parent / "shared" / "paper_results.json"
    data = os.environ.get("LAMINI_DATA")
    place = Path(data).parent / beside.name if data else beside
    if not place.is_file():
        pytest.skip(f"no {place} to compare {FILE.name} with")
    read = json.loads(place.read_text(encoding="utf-8"))
    assert figure5 == read["figure5_model_ratings_of_114"]["rows"]
    assert list(figure5) == list(read["figure5_model_ratings_of_114"]["rows"])
    for part in ("instruction", "response"):
        assert published("pairs", part) == read["figure3_data_ratings"][f"{part}s"]
