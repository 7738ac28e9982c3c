"""Items of the four sheets."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.rating.options import HallucinationSheet, PairsSheet, PreferenceSheet, ResponsesSheet
from lamini.rating.scales import scale_of
from lamini.rating.study import Item, sealed
from tests.rating import files


def owners(item: Item) -> list[tuple[str, ...]]:
    return [target.owners for target in item.targets]


def test_responses_of_all_students_on_one_page(tmp_path: Path) -> None:
    rows = files.rows()
    rows[5]["response"] = rows[1]["response"]  # b says the same as a
    items, told = ResponsesSheet(common=False).items(str(files.parquet(tmp_path / "a.parquet", rows)), 42)
    assert [item.id for item in items] == ["t0", "t1", "t2", "t3"] and told == []
    assert [item.group for item in items] == ["app 0", "app 1", "app 0", "app 1"]
    assert owners(items[1]) == [("a",), ("b",), ("c",)]
    assert [target.texts for target in items[1].targets] == [("a says 1",), ("a says 1",), ("c says 1",)]
    assert {target.part for item in items for target in item.targets} == {"response"}


def test_failures_are_left_out_and_told(tmp_path: Path) -> None:
    rows = files.rows()
    rows[4] |= {"error": "timeout", "response": ""}
    for row in rows[3::4]:  # nobody answered the last one
        row |= {"error": "timeout", "response": ""}
    items, told = ResponsesSheet(common=False).items(str(files.parquet(tmp_path / "a.parquet", rows)), 42)
    assert owners(items[0]) == [("a",), ("c",)] and len(items) == 3
    assert told == [
        "a gave no answer to 1 of 4 instructions: not rated there",
        "b gave no answer to 2 of 4 instructions: not rated there",
        "c gave no answer to 1 of 4 instructions: not rated there",
        "1 of 4 instructions are left out: no student answered them",
    ]
    none = [row | {"error": "timeout", "response": ""} for row in rows]
    with pytest.raises(UserError, match="there is no answer to rate: a gave no answer to 4"):
        ResponsesSheet(common=False).items(str(files.parquet(tmp_path / "b.parquet", none)), 42)


def test_hallucinations_are_rated_by_category(tmp_path: Path) -> None:
    rows = [{**files.row("a", n), "category": "future"} for n in range(2)]
    for row in rows:
        del row["app"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sheet = HallucinationSheet(common=False)
    items, _ = sheet.items(str(tmp_path / "a.jsonl"), 42)
    assert sheet.name == "hallucination" and {item.group for item in items} == {"future"}


def compared(path: Path, **keys: Any) -> list[Item]:
    sheet = PreferenceSheet(**{"common": False, "against": None, "comparisons": None, **keys})
    return sheet.items(str(path), 42)[0]


def test_preference_compares_everybody_with_everybody(tmp_path: Path) -> None:
    path = files.parquet(tmp_path / "a.parquet", files.rows(count=40))
    items = compared(path)
    for item in items:
        assert {frozenset(pair) for pair in owners(item)} == set(map(frozenset, combinations("abc", 2)))
        for target in item.targets:
            assert target.texts == tuple(f"{owner} says {item.id[1:]}" for owner in target.owners)
    first = Counter(target.owners for item in items for target in item.targets)
    assert all(8 <= first[pair] <= 32 for pair in [("a", "b"), ("b", "a"), ("c", "a")]), "no owner has a side"
    assert compared(path) == items


def test_preference_against_one_and_a_balanced_draw(tmp_path: Path) -> None:
    path = files.parquet(tmp_path / "a.parquet", files.rows("abcd", count=12))
    against = compared(path, against="b")
    assert all("b" in pair for item in against for pair in owners(item))
    assert [len(item.targets) for item in against] == [3] * 12
    drawn = compared(path, comparisons=2)
    assert [len(item.targets) for item in drawn] == [2] * 12
    counts = Counter(frozenset(pair) for item in drawn for pair in owners(item))
    assert set(counts.values()) == {4} and len(counts) == 6


def test_preference_says_what_cannot_be_compared(tmp_path: Path) -> None:
    path = files.parquet(tmp_path / "a.parquet", files.rows("ab"))
    with pytest.raises(UserError, match="sheet.against=x is none of the students; there are: a, b"):
        compared(path, against="x")
    with pytest.raises(UserError, match="sheet.comparisons=0 must be at least 1"):
        compared(path, comparisons=0)
    with pytest.raises(UserError, match="compares two students; answers has a alone"):
        compared(files.parquet(tmp_path / "b.parquet", files.rows("a")))
    rows = files.rows("ab")
    rows[0] |= {"error": "timeout", "response": ""}
    sheet = PreferenceSheet(common=False, against=None, comparisons=None)
    items, told = sheet.items(str(files.parquet(tmp_path / "c.parquet", rows)), 42)
    assert len(items) == 3 and told[-1] == "1 of 4 instructions are left out: no two answers to them"


def pairs(path: Path, counts: dict[str, int], column: str = "instruction_source") -> Path:
    rows = [
        {"instruction": f"Name {n} colours of {source}.", "response": f"red {n}", column: source}
        for source, count in counts.items()
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("column", ["instruction_source", "source"])
def test_pairs_of_every_source(tmp_path: Path, column: str) -> None:
    path = pairs(tmp_path / "a.jsonl", {"p3": 50, "flan": 7}, column)
    items, told = PairsSheet(each=10).items(str(path), 42)
    assert Counter(item.group for item in items) == {"p3": 10, "flan": 7}
    assert told == ["flan has 7 different pairs, fewer than sheet.each=10: all are taken"]
    first = items[0]
    assert [(t.part, t.texts, t.owners) for t in first.targets] == [
        ("instruction", (first.instruction,), ("p3",)),
        ("response", (f"red {first.instruction.split()[1]}",), ("p3",)),
    ]
    assert len({item.id for item in items}) == 17


def test_the_sample_depends_on_content_and_seed_alone(tmp_path: Path) -> None:
    path = pairs(tmp_path / "a.jsonl", {"p3": 50, "flan": 40})
    lines = path.read_text().splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    (tmp_path / "b.jsonl").write_text("".join(lines * 2))  # each row twice: drawn once

    def sample(name: str, seed: int = 42) -> set[str]:
        return {item.id for item in PairsSheet(each=10).items(str(tmp_path / name), seed)[0]}

    assert sample("a.jsonl") == sample("b.jsonl")
    assert len(sample("b.jsonl")) == 20
    assert len(sample("a.jsonl") & sample("a.jsonl", 1)) < 15
    scale = scale_of("pairs")
    digests = {
        sealed("pairs", scale, PairsSheet(each=10).items(str(tmp_path / name), 42)[0]).digest
        for name in ("a.jsonl", "b.jsonl")
    }
    assert len(digests) == 1


def test_every_pair_is_as_likely(tmp_path: Path) -> None:
    """30 of 60 over 40 seeds: each pair is drawn 20 times, give or take five standard deviations of 3.2."""
    path = pairs(tmp_path / "a.jsonl", {"p3": 60})
    counts = Counter(item.id for seed in range(40) for item in PairsSheet(each=30).items(str(path), seed)[0])
    assert len(counts) == 60 and min(counts.values()) >= 4 and max(counts.values()) <= 36


def test_rows_that_are_no_pairs_are_told(tmp_path: Path) -> None:
    path = pairs(tmp_path / "a.jsonl", {"p3": 3})
    path.write_text(path.read_text() + '{"instruction": "x"}\nno json\n')
    items, told = PairsSheet(each=3).items(str(path), 42)
    assert len(items) == 3
    assert told == ["2 rows are no pairs and left out of the draw (missing response: 1, broken JSON: 1)"]


def test_a_file_without_sources_is_one_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"instruction": "Add", "input": "1 2", "output": "3"}\n')
    items, told = PairsSheet(each=1).items(str(path), 42)
    assert (items[0].group, items[0].instruction) == ("mine", "Add: 1 2")
    assert told == ["no column instruction_source: all pairs are of the source mine"]


@pytest.mark.parametrize(
    ("answers", "each", "words"),
    [
        (["a", "b"], 5, "must name one file or folder of pairs for sheet=pairs"),
        ("nowhere.jsonl", 5, "answers=nowhere.jsonl does not exist"),
        ("x.jsonl", 0, "sheet.each=0 must be at least 1"),
    ],
)
def test_pairs_that_are_nowhere(answers: Any, each: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        PairsSheet(each=each).check(answers)


def test_a_file_of_no_pairs_says_what_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "x", "completion": "y"}\n')
    with pytest.raises(
        UserError, match=r"no usable pair .missing instruction: 1.; needed are instruction and"
    ):
        PairsSheet(each=3).items(str(path), 42)
