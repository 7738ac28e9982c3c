"""Whole curations: every row ends in one place, with the first reason, and the counts say so."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lamini.config import Curation, LengthFilter, NearDuplicates
from lamini.curation.curating import curate, dropped_schema
from lamini.curation.report import STEPS, Report
from lamini.data.shards import PAIRS
from tests.curation.rows import Collected, batch, nothing, pair
from tests.data.toys import shared_data

NEAR = NearDuplicates(0.8, 3, 128)
LONG = "write a story about a dog that finds a way home through a big forest in the winter"
Outcome = tuple[list[dict[str, Any]], list[dict[str, Any]], Report]


@pytest.fixture
def curated(tmp_path: Path) -> Callable[..., Outcome]:
    """curated(rows, exact=True) -> kept rows, dropped rows, report; the rows come in batches of `size`."""

    def run(rows: list[dict[str, Any]], size: int = 2, **changes: Any) -> Outcome:
        def batches() -> Iterable[pa.RecordBatch]:
            return (batch(rows[first : first + size]) for first in range(0, len(rows), size))

        kept, dropped = Collected(), Collected()
        report = curate(batches, nothing(**changes), kept, dropped, tmp_path)
        assert len(kept.rows) + len(dropped.rows) == len(rows)
        assert all(part.schema == dropped_schema(PAIRS) for part in dropped.batches)
        assert report.as_dict()["rows"] == len(rows) and report.as_dict()["kept"] == len(kept.rows)
        return kept.rows, dropped.rows, report

    return run


def reasons(rows: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(row["reason"], row["duplicate_of"]) for row in rows]


def test_nothing_is_dropped_without_a_step(curated: Callable[..., Outcome]) -> None:
    rows = [pair("a"), pair("a"), pair("", ""), pair("x", "As an AI language model, I cannot.")]
    kept, dropped, report = curated(rows)
    assert kept == rows and dropped == [] and report.near is None
    assert report.as_dict()["sources"] == {"alpaca": {"kept": 4, "dropped": {}}}


def test_exact_repeats_name_the_row_that_stays(curated: Callable[..., Outcome]) -> None:
    rows = [
        pair("a b", request="1"),
        pair("c", request="2"),
        pair("a  b", "other", request="3"),
        pair("c", request="4"),
    ]
    kept, dropped, _ = curated(rows, exact=True)
    assert [row["request"] for row in kept] == ["1", "2"]
    assert reasons(dropped) == [("exact", "1"), ("exact", "2")]
    assert [row["similarity"] for row in dropped] == [1.0, 1.0]


@pytest.mark.parametrize("steps", [{"exact": True}, {"near": NEAR}, {"exact": True, "near": NEAR}])
def test_samples_stay_and_a_second_set_of_them_goes(
    curated: Callable[..., Outcome], steps: dict[str, Any]
) -> None:
    rows = [
        pair(LONG, f"answer {sample} {copy}", sample=sample, request=f"{copy}{sample}")
        for copy in "ab"
        for sample in range(3)
    ]
    kept, dropped, _ = curated(rows, **steps)
    assert [row["request"] for row in kept] == ["a0", "a1", "a2"]
    assert [row["duplicate_of"] for row in dropped] == ["a0", "a1", "a2"]


def test_near_repeats(curated: Callable[..., Outcome]) -> None:
    rows = [
        pair(LONG, request="1"),
        pair("something else", request="2"),
        pair(f"{LONG}, please!", request="3"),
    ]
    kept, dropped, report = curated(rows, near=NEAR)
    assert [row["request"] for row in kept] == ["1", "2"] and reasons(dropped) == [("near", "1")]
    assert dropped[0]["similarity"] == pytest.approx(16 / 17) and dropped[0]["detail"] == "similarity 0.941"
    assert report.near is not None and (report.near.drawn, report.near.similar, report.near.both) == (3, 2, 2)


def test_a_dropped_answer_does_not_stand_in_the_way_of_a_good_one(curated: Callable[..., Outcome]) -> None:
    rows = [
        pair("a", "I'm sorry, but I can't assist with that.", request="1"),
        pair("a", "Yes.", request="2"),
    ]
    kept, dropped, _ = curated(rows, exact=True, near=NEAR, refusals=True)
    assert [row["request"] for row in kept] == ["2"] and reasons(dropped) == [("refusals", None)]
    assert "cannot assist" in dropped[0]["detail"]


def test_the_row_that_is_named_is_one_that_stays(curated: Callable[..., Outcome]) -> None:
    """The third repeats the second exactly, which is nearly the first."""
    rows = [pair(LONG, request="1"), pair(f"{LONG} now", request="2"), pair(f"{LONG} now", request="3")]
    _, dropped, _ = curated(rows, exact=True, near=NEAR)
    assert reasons(dropped) == [("near", "1"), ("exact", "1")]
    assert dropped[1]["similarity"] == pytest.approx(dropped[0]["similarity"])


def test_the_first_step_that_strikes_is_the_reason(curated: Callable[..., Outcome]) -> None:
    rows = [
        pair("Name the longest river.", "Name the longest river."),
        pair("no", "no"),
        pair("Tell me a joke now", "tell me a joke now", instruction_source="p3"),
        pair("Name the longest river.", "The Nile.", instruction_source="p3"),
    ]
    limits = LengthFilter(3, 100, 1, 22)
    _, dropped, report = curated(rows, length=limits, echoes=True)
    assert [row["reason"] for row in dropped] == ["length", "length", "echoes"]
    assert report.as_dict()["sources"] == {
        "alpaca": {"kept": 0, "dropped": {"length": 2}},
        "p3": {"kept": 1, "dropped": {"echoes": 1}},
    }


def test_lossy_says_on_which_side(curated: Callable[..., Outcome]) -> None:
    rows = [pair("Write {x}", "a\nb"), pair("Sum", "3")]
    t5 = str(shared_data() / "tokenizers" / "t5")
    _, dropped, _ = curated(rows, lossy=t5)
    assert [row["detail"] for row in dropped] == [r"instruction: '{' '}'; response: '\n'"]
    kept, _, _ = curated(rows, lossy=t5, lossy_accepted="\n{}")
    assert len(kept) == 2


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    """Any pairs can be curated: without `sample` all are first answers, without `request` none is named."""
    rows = [{"instruction": "a", "response": "b", "instruction_source": "mine"}] * 3
    kept, dropped = Collected(), Collected()
    found = pa.RecordBatch.from_pylist(rows)
    curate(lambda: [found], nothing(exact=True), kept, dropped, tmp_path)
    assert len(kept.rows) == 1 and reasons(dropped.rows) == [("exact", None)] * 2


def test_no_rows(curated: Callable[..., Outcome]) -> None:
    kept, dropped, report = curated([], exact=True, near=NEAR, refusals=True)
    assert (kept, dropped) == ([], []) and report.near is not None and report.near.recall is None


def test_the_result_does_not_depend_on_the_batches(curated: Callable[..., Outcome]) -> None:
    with gzip.open(shared_data() / "train" / "p3_t0_sample.jsonl.gz", "rt") as lines:
        rows = [
            pair(row["instruction"], row["response"], instruction_source="original_p3", request=row["id"])
            for row in map(json.loads, list(lines)[:600])
        ]
    limits = LengthFilter(3, 2000, 1, 200)
    options: dict[str, Any] = {
        "exact": True,
        "near": NEAR,
        "length": limits,
        "refusals": True,
        "echoes": True,
    }
    one, other = curated(rows, size=600, **options), curated(rows, size=37, **options)
    assert one[0] == other[0] and one[2] == other[2]
    key = lambda row: (STEPS.index(row["reason"]), row["request"])  # noqa: E731
    assert sorted(one[1], key=key) == sorted(other[1], key=key)
    assert Counter(row["reason"] for row in one[1]) == one[2].dropped["original_p3"]
    assert len(one[2].dropped["original_p3"]) >= 2


def test_options_of_the_files_are_complete() -> None:
    from lamini.compose import compose

    for name in ("none", "default"):
        curation = compose("generate", ["name=x", "teacher=oracle", f"curation={name}"]).curation
        assert isinstance(curation, Curation)
    assert curation.near == NEAR and curation.exact and curation.lossy_accepted == ""
