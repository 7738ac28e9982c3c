"""Exported ratings come back exactly, whatever people wrote; what does not belong there is told by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.rating.columns import COLUMNS
from lamini.rating.exchange import export, table, take
from lamini.rating.store import Store
from tests.rating import rated, small
from tests.rating.rated import event, held_in, new

STUDY = small.study(items=2)
FORMATS = ("csv", "parquet")
SAID = st.fixed_dictionaries(
    {
        "rater": st.sampled_from(["Ann", "Zoë, MD", '李 "小" 雷', "=1+1"]),
        "place": st.integers(0, 5),
        "level": st.sampled_from([None, "A", "B", "C", "D"]),
        "note": st.text(max_size=20)
        | st.sampled_from(['a,b\n"c"\r\nd\re', "\x00", " ", "true", "=1", "é\u202e"]),
        "skipped": st.booleans(),
        "flagged": st.booleans(),
        "seconds": st.floats(0, 1e6),
        "at": st.floats(1, 2e9),
    }
)
PLAIN = {
    "rater": "Ann", "place": 0, "level": None, "skipped": False, "flagged": False, "seconds": 0.5, "at": 5.0,
}  # fmt: skip


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    """Three ratings of two raters, one of them changed."""
    store = new(tmp_path, STUDY)
    ann, ben = store.join("Ann", now=1.0).id, store.join("Ben", now=2.0).id
    store.rate(event(STUDY, ann, 0, "A", at=10.0, id="one", note='so, "so"\nla la'))
    store.rate(event(STUDY, ben, 1, None, at=11.0, id="two", skipped=True, seconds=2.5))
    store.rate(event(STUDY, ann, 0, "B", at=12.0, id="three", flagged=True))
    return store


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=15, deadline=None)
@given(said=st.lists(SAID, min_size=1, max_size=6))
@example(said=[{**PLAIN, "note": note} for note in ("a\rb", "\r", "\n", '"', "\x00", "\ufeff", " a ")])
def test_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, format: str, said: list[dict[str, Any]]
) -> None:
    place = tmp_path_factory.mktemp("exchange")
    first, second = place / f"first.{format}", place / f"second.{format}"
    with new(place, STUDY) as store, new(place, STUDY, "other.sqlite") as other:
        for one in said:
            rater = store.join(one["rater"], now=one["at"]).id
            store.rate(event(STUDY, rater, **{name: one[name] for name in one if name != "rater"}))
        assert export(store, first) == len(said)
        assert take(other, first) == len(said)
        assert take(other, first) == 0 == take(store, first)
        assert held_in(other)[3] == held_in(store)[3]
        assert [one.kind for one in other.raters()] == ["person"] * len(store.raters())
        export(other, second)
        assert first.read_bytes() == second.read_bytes()


def test_the_columns_say_who_wrote_what(filled: Store, tmp_path: Path) -> None:
    item, target = rated.places(STUDY)[0]
    rows = table(filled)
    assert rows[0] == {
        "rater": "Ann", "kind": "person", "instruction_id": "task_0", "group": "app 0",
        "instruction": "Name 0 colours.", "part": "response", "student": "flan-t5-small",
        "response": target.texts[0], "level": "A", "note": 'so, "so"\nla la', "skipped": False,
        "flagged": False, "seconds": 0.0, "at": 10.0, "current": False, "item": item.key,
        "target": target.key, "event": "one", "study": STUDY.digest,
    }  # fmt: skip
    assert [(row["event"], row["current"], row["level"]) for row in rows] == [
        ("one", False, "A"), ("two", True, None), ("three", True, "B"),
    ]  # fmt: skip
    export(filled, tmp_path / "out.csv")
    export(filled, tmp_path / "out.parquet")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))
    assert [row["note"] for row in written] == ['so, "so"\nla la', "", ""]
    assert [row["at"] for row in written] == ["10.0", "11.0", "12.0"]
    assert [row["skipped"] for row in written] == ["false", "true", "false"]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == rows
    frame = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert list(frame.columns) == list(COLUMNS) and list(frame["response"]) == [
        row["response"] for row in rows
    ]


@pytest.mark.parametrize("sheet", ["pairs", "hallucination", "preference"])
def test_other_sheets_come_back_too(sheet: str, tmp_path: Path) -> None:
    study = small.study(sheet)
    with new(tmp_path, study) as store, new(tmp_path, study, "other.sqlite") as other:
        ann = store.join("Ann").id
        for place in range(len(rated.places(study))):
            letters = study.scale.letters
            store.rate(event(study, ann, place, letters[place % len(letters)]))
        judge = store.join("gpt", kind="judge").id
        store.rate(event(study, judge, 0, study.scale.letters[0]))
        for format in FORMATS:
            export(store, tmp_path / f"out.{format}")
        count = len(rated.places(study)) + 1
        assert take(other, tmp_path / "out.csv") == count and take(other, tmp_path / "out.parquet") == 0
        assert held_in(other)[3] == held_in(store)[3]
        assert [one.kind for one in other.raters()] == ["person", "judge"]


def test_a_comparison_has_two_students(tmp_path: Path) -> None:
    study = small.study("preference")
    with new(tmp_path, study) as store:
        store.rate(event(study, store.join("Ann").id, 0, "2"))
        (row,) = table(store)
    assert json.loads(row["student"]) == ["flan-t5-small", "gpt2-medium"]
    assert json.loads(row["response"]) == list(rated.places(study)[0][1].texts) and row["level"] == "2"


def rewritten(store: Store, place: Path, change: Callable[[list[dict[str, Any]]], object]) -> Path:
    """An exported file in which somebody changed something."""
    rows = table(store)
    change(rows)
    file = place / "changed.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize(
    ("row", "column", "value", "said"),
    [
        (1, "study", "0" * 32, r"row 2: it belongs to another study \(00000000, this one is \w{8}\)"),
        (0, "target", "t0", "row 1: target 't0' is none of this study"),
        (
            2,
            "student",
            "gpt2-medium",
            "row 3: student is 'gpt2-medium', and that of target .* 'flan-t5-small'",
        ),
        (0, "instruction_id", "task_1", "row 1: instruction_id is 'task_1'"),
        (0, "level", "E", "row 1: level 'E' is none of A, B, C, D"),
        (0, "skipped", "perhaps", "row 1: skipped 'perhaps' is neither true nor false"),
        (0, "seconds", "long", "row 1: seconds 'long' is no number"),
        (0, "at", None, "row 1: at None is no number"),
        (1, "event", "", "row 2: event is empty"),
        (1, "kind", "robot", "row 2: kind 'robot' is none of person, judge"),
        (2, "kind", "judge", "row 3: Ann is a judge here and a person in an earlier row"),
        (1, "rater", " ", "row 2: a rater needs a name"),
        (2, "level", "C", r"rating three \(Ann, level C\) is another one here \(level B\)"),
        (2, "event", "one", r"rating one \(Ann, level B\) is another one here \(level A\)"),
    ],
)
def test_a_row_that_does_not_belong_is_told_and_nothing_is_taken(
    row: int, column: str, value: Any, said: str, filled: Store, tmp_path: Path
) -> None:
    filled.join("Cleo")
    before = held_in(filled)
    file = rewritten(filled, tmp_path, lambda rows: rows[row].update({column: value}))
    with pytest.raises(UserError, match=said) as error:
        take(filled, file)
    assert str(file) in str(error.value) and "\n" not in str(error.value)
    assert held_in(filled) == before


def test_a_missing_column_and_an_empty_file_are_told(filled: Store, tmp_path: Path) -> None:
    file = rewritten(filled, tmp_path, lambda rows: [row.update(events=row.pop("event")) for row in rows])
    with pytest.raises(UserError, match="row 1: no column event, it has rater, .*; did you mean 'events'"):
        take(filled, file)
    with new(tmp_path, STUDY, "empty.sqlite") as empty:
        assert export(empty, tmp_path / "empty.csv") == 0
        with pytest.raises(UserError, match="empty.csv has no rating in it"):
            take(empty, tmp_path / "empty.csv")
    with pytest.raises(UserError, match=r"file=.*none\.csv does not exist"):
        take(filled, tmp_path / "none.csv")


def test_rows_may_be_missing_repeated_and_shuffled(filled: Store, tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[:] = [dict(rows[number]) for number in (2, 0, 2)]
        for row in rows:
            del row["response"], row["group"], row["current"]

    file = rewritten(filled, tmp_path, change)
    with new(tmp_path, STUDY, "other.sqlite") as other:
        assert take(other, file) == 2
        assert [one.level for one in other.current()] == ["B"]
        assert [(one.name, one.joined) for one in other.raters()] == [("Ann", 10.0)]


def test_what_a_spreadsheet_rounds_is_known_again(filled: Store, tmp_path: Path) -> None:
    filled.rate(event(STUDY, 1, 2, "C", at=1795741961.1334403, seconds=1.23456789, id="four"))
    file = rewritten(filled, tmp_path, lambda rows: rows[3].update(at=1795741961.13344, seconds=1.234568))
    assert take(filled, file) == 0


def test_no_file_of_something_else_is_replaced(filled: Store, tmp_path: Path) -> None:
    answers = tmp_path / "answers.parquet"
    pq.write_table(pa.table({"student": ["a"]}), answers)
    (tmp_path / "notes.csv").write_text("my notes\n")
    for name in ("answers.parquet", "notes.csv"):
        with pytest.raises(
            UserError, match=f"{name} is there already and holds something else; choose another"
        ):
            export(filled, tmp_path / name)
    for name in ("out.jsonl", "out.csv.gz"):
        with pytest.raises(UserError, match="is written as .csv or .parquet"):
            export(filled, tmp_path / name)
    with pytest.raises(UserError, match="unknown format"):
        export(filled, tmp_path / "out.xlsx")
    assert export(filled, tmp_path / "deep" / "out.csv") == 3
    assert export(filled, tmp_path / "deep" / "out.csv") == 3
