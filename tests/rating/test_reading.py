"""Answers come in whole, from whatever kind of file, or one sentence says why not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.rating.reading import Answer, places, read
from tests.rating import files


def jsonl(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_parquet_lines_and_tables_are_one(tmp_path: Path) -> None:
    rows = files.rows()
    parquet = read([files.parquet(tmp_path / "a.parquet", rows)])
    assert parquet[1] == Answer("a", "t1", "Name 1 colours.", "a says 1", "app 1")
    assert len(parquet) == 12
    assert read([jsonl(tmp_path / "a.jsonl", rows)]) == parquet
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    assert read([tmp_path / "a.csv"]) == parquet


def test_files_of_single_students_are_one_table(tmp_path: Path) -> None:
    """As suite=hallucination leaves them: a file a student, with a category."""
    for student in ("x", "y"):
        rows = [files.row(student, number, category="false premise") for number in range(2)]
        for row in rows:
            del row["app"], row["error"]
        (tmp_path / student).mkdir()
        jsonl(tmp_path / student / "answers.jsonl", rows)
    found = read(places(str(tmp_path / "*" / "answers.jsonl")))
    assert [(one.student, one.id, one.group) for one in found] == [
        (student, id, "false premise") for student in ("x", "y") for id in ("t0", "t1")
    ]
    listed = [str(tmp_path / student / "answers.jsonl") for student in ("x", "y", "x")]
    assert read(places(listed)) == found, "a file named twice is read once"


def test_empty_answers_and_failures_are_told_apart(tmp_path: Path) -> None:
    rows = [files.row("a", 0, response=""), files.row("a", 1, response="", error="timeout")]
    assert [one.response for one in read([files.parquet(tmp_path / "a.parquet", rows)])] == ["", None]


def test_a_long_answer_is_taken_whole(tmp_path: Path) -> None:
    long = "word " * 20_000
    path = files.parquet(tmp_path / "a.parquet", [files.row("a", 0, response=long)])
    assert read([path])[0].response == long


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"student": "a", "instruction_id": "t0", "instruction": "x", "respons": "y"}],
         "row 1: no column response, it has student, .*, respons; did you mean respons"),
        ([{"prompt": "x"}], "row 1: no column student, it has prompt; needed are student, instruction_id"),
        ([files.row("a", 0), files.row("a", 0)], "row 2: a has an answer to t0 in .*row 1 already"),
        ([files.row("a", 0), files.row("b", 0, instruction="?")], "row 2: another instruction .*id t0"),
        ([files.row("a", 0, response=5)], "row 1: response is no text"),
        ([files.row("a", 0, response=None)], "row 1: response is empty"),
        ([files.row(" ", 0)], "row 1: student is empty"),
        ([files.row("a", 0, response="\ud800")], "row 1: response is not UTF-8"),
        (["text"], "row 1: no object with columns"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, rows: list[Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read([jsonl(tmp_path / "a.jsonl", rows)])
    assert "\n" not in str(caught.value) and "answers=" in str(caught.value)


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no rows; evaluate.py suite=answers collects some"):
        read([files.parquet(tmp_path / "a.parquet", [])])
    (tmp_path / "b.jsonl").touch()
    with pytest.raises(UserError, match="answers=.*b.jsonl is empty"):
        places(str(tmp_path / "b.jsonl"))
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UserError, match="c.parquet is no intact parquet file"):
        read([tmp_path / "c.parquet"])


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ("nowhere.parquet", "answers=nowhere.parquet does not exist"),
        ("nowhere/*.parquet", "matches no file"),
        ([], "must name a file of answers, or several"),
        (5, "must name a file of answers"),
        ("notes.docx", "does not exist"),
    ],
)
def test_places_that_are_none(answers: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        places(answers)
