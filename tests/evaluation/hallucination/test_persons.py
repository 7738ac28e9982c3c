"""Answers go out to people as Parquet, their verdicts come back as any table."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.errors import UserError
from lamini.evaluation.answers.table import SCHEMA
from lamini.evaluation.hallucination.persons import check, read, verdicts_on, write_answers
from lamini.evaluation.hallucination.questions import load

QUESTIONS = load(None, None, 2)
ANSWERS = ["He sold it.", "Nobody knows."]
ROWS = [
    {"student": "a", "instruction_id": "did_not_happen-1", "verdict": "Hallucinated"},
    {"student": "a", "instruction_id": "far_future-1", "verdict": "rejected"},
    {"student": "b", "instruction_id": "far_future-1", "verdict": "rejected"},
]


def file_of(place: Path, rows: list[dict[str, str]], name: str = "verdicts.jsonl") -> str:
    file = place / name
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), file)
    elif name.endswith(".csv"):
        table = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        file.write_text("\n".join(table) + "\n")
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.mark.parametrize("name", ["verdicts.jsonl", "verdicts.csv", "verdicts.parquet"])
def test_verdicts_of_a_student_in_the_order_of_the_questions(name: str, tmp_path: Path) -> None:
    file = file_of(tmp_path, ROWS, name)
    assert verdicts_on(file, "a", QUESTIONS, ANSWERS) == ["hallucinated", "rejected"]
    assert verdicts_on(file, "b", QUESTIONS, ANSWERS) == [None, "rejected"]
    assert verdicts_on(file, "c", QUESTIONS, ANSWERS) == [None, None]
    check(file, ["a", "c"], QUESTIONS)


def test_what_goes_out_can_come_back_with_a_verdict_added(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    write_answers(out, "a", "folder", QUESTIONS, ANSWERS, "{}")
    rows = pq.read_table(out).to_pylist()
    assert rows[0] == {
        "student": "a",
        "source": "student",
        "instruction_id": "did_not_happen-1",
        "category": "did_not_happen",
        "instruction": QUESTIONS[0].text,
        "response": "He sold it.",
        "decoding": "{}",
        "model": "folder",
    }
    for field in pq.read_schema(out):
        assert field.name == "category" or field.type == SCHEMA.field(field.name).type
    judged = [row | {"verdict": "rejected"} for row in rows]
    file = file_of(tmp_path, judged, "judged.parquet")
    assert verdicts_on(file, "a", QUESTIONS, ANSWERS) == ["rejected"] * 2


def test_a_verdict_on_another_answer_is_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, [ROWS[0] | {"response": "He gave it away."}])
    with pytest.raises(UserError, match="row 1: a answers did_not_happen-1 otherwise now"):
        verdicts_on(file, "a", QUESTIONS, ANSWERS)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [{"student": "a", "instruction_id": "far_future-1", "verdict": "bad"}],
            "row 1: verdict 'bad' is none of",
        ),
        ([ROWS[0], ROWS[0]], "row 2: a has a verdict on did_not_happen-1 in row 1; keep one"),
        (
            [{"student": "a", "instruction": "far_future-1", "verdict": "rejected"}],
            "no column instruction_id, it has student, instruction, verdict; did you mean 'instruction'?",
        ),
        (
            [{"student": "", "instruction_id": "far_future-1", "verdict": "rejected"}],
            "row 1: student is empty",
        ),
    ],
)
def test_a_file_that_is_none_is_told(rows: list[dict[str, str]], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read(file_of(tmp_path, rows))
    assert said in str(error.value)


def test_other_students_and_other_questions_are_told(tmp_path: Path) -> None:
    file = file_of(tmp_path, ROWS)
    with pytest.raises(UserError, match=r"judges a, b; none of them is scored here \(t5\)"):
        check(file, ["t5"], QUESTIONS)
    with pytest.raises(UserError, match="judges a, and two students are called so"):
        check(file, ["a", "b", "a"], QUESTIONS)
    other = file_of(tmp_path, [ROWS[0] | {"instruction_id": "did_not_hapen-1"}], "other.jsonl")
    with pytest.raises(
        UserError, match="did_not_hapen-1 is none of the questions; did you mean did_not_happen-1"
    ):
        check(other, ["a"], QUESTIONS)
    check(other, ["a"], None)  # the hub has not been asked yet
    with pytest.raises(UserError, match=r"suite\.verdicts=/no\.csv does not exist"):
        check("/no.csv", ["a"], QUESTIONS)
