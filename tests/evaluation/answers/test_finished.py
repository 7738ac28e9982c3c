"""Files of finished answers are taken in as one more student's, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.evaluation.answers.finished import check_files, rows
from lamini.evaluation.answers.instructions import place_of, read
from lamini.evaluation.answers.selection import select
from tests.data.toys import shared_data
from tests.evaluation.answers import sets

ANSWERS: list[dict[str, Any]] = [
    {
        "id": None,
        "instruction": f"{row['instruction']}\n",
        "input": row["instances"][0]["input"],
        "response": f" {n}\n",
    }
    for n, row in enumerate(sets.ROWS)
]
SYSTEMS = {
    "text-davinci-003": "predictions_text-davinci-003.jsonl",
    "text-davinci-001": "predictions_text-davinci-001.jsonl",
    "davinci-self-instruct": "predictions_davinci-self-instruct.jsonl",
    "davinci": "predictions_davinci.jsonl.gz",
}


def taken(tmp_path: Path, answers: list[Any]) -> list[dict[str, Any]]:
    return rows("x", str(sets.jsonl(tmp_path / "x.jsonl", answers)), sets.items(tmp_path), sets.TEMPLATE)


def test_rows_are_found_by_text_in_any_order_and_in_a_larger_file(tmp_path: Path) -> None:
    more = [{"instruction": "of another set", "response": "?"}]
    found = taken(tmp_path, [*more, *ANSWERS[::-1]])
    assert [row["response"] for row in found] == ["0", "1", "2", "3", "4"]
    assert [row["instruction_id"] for row in found] == ["t0", "t1", "t2", "t3", "t4"]
    assert {(row["student"], row["source"], row["model"]) for row in found} == {("x", "file", "x.jsonl")}


def test_rows_without_an_instruction_are_found_by_id_and_output_is_a_response(tmp_path: Path) -> None:
    found = taken(tmp_path, [{"id": f"t{n}", "output": str(n)} for n in range(6)])
    assert [row["response"] for row in found] == ["0", "1", "2", "3", "4"]


def test_an_empty_answer_is_an_answer(tmp_path: Path) -> None:
    assert taken(tmp_path, [{**ANSWERS[0], "response": ""}, *ANSWERS[1:]])[0]["response"] == ""


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (ANSWERS[:3], "suite.add.x=.* has no answer to 2 of the 5 instructions, such as t3"),
        ([*ANSWERS, {**ANSWERS[0], "response": "other"}], "row 6: a second answer to instruction t0"),
        ([{"instruction": "say hi", "answer": "hi"}], "row 1: no text in the column response .*it has instr"),
        ([{"response": "hi"}], "row 1: neither instruction nor id"),
        ([["hi"]], "row 1: not an object"),
    ],
)
def test_what_is_missing_or_said_twice_is_named(answers: list[Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=why):
        taken(tmp_path, answers)


def test_files_that_are_not_there_are_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="suite.add.gpt4=.*none.jsonl does not exist"):
        check_files({"gpt4": str(tmp_path / "none.jsonl")})


def test_the_four_real_systems_answer_the_real_252() -> None:
    folder = shared_data() / "human_eval"
    items = read(place_of(None, str(shared_data())), sets.TEMPLATE)
    texts = {name: rows(name, str(folder / file), items, sets.TEMPLATE) for name, file in SYSTEMS.items()}
    assert {len(found) for found in texts.values()} == {252}
    assert all(row["response"] for found in texts.values() for row in found)
    assert texts["davinci"][0]["response"] != texts["text-davinci-003"][0]["response"]
    chosen = select(items, "paper").items
    assert len(rows("davinci", str(folder / SYSTEMS["davinci"]), chosen, sets.TEMPLATE)) == 114
