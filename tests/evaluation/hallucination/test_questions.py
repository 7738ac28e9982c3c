"""What is asked: our forty, a file, the hub's set in a folder; and what is wrong with a file."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lamini.data import hub
from lamini.errors import UserError
from lamini.evaluation.hallucination import questions
from lamini.evaluation.hallucination.questions import Question, check, load, read

PUBLISHED = "MBZUAI/LaMini-Hallucination"

ROWS = [
    {"question": "Who wins in 2999?", "category": "far_future"},
    {"question": "Why?", "category": "Non-Sense"},
]


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_ours_are_forty_in_the_four_categories_of_the_paper_ten_each() -> None:
    ours = load(None, None)
    assert Counter(one.category for one in ours) == dict.fromkeys(
        ["did_not_happen", "far_future", "nonsense", "obscure"], 10
    )
    assert len({one.text for one in ours}) == len({one.id for one in ours}) == 40
    assert all(one.text.endswith("?") and 27 <= len(one.text) <= 128 for one in ours)  # as the paper's


def test_a_few_of_them_are_of_all_categories() -> None:
    assert [one.id for one in load(None, None, 5)] == [
        "did_not_happen-1",
        "far_future-1",
        "nonsense-1",
        "obscure-1",
        "did_not_happen-2",
    ]


def test_a_file_of_yours(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(lines(ROWS))
    assert load(str(file), None) == [
        Question("far_future-1", "Who wins in 2999?", "far_future"),
        Question("non_sense-1", "Why?", "non_sense"),
    ]
    (tmp_path / "mine.csv").write_text("category,question\nobscure,Who was it?\n")
    assert check(str(tmp_path / "mine.csv"), None) == [Question("obscure-1", "Who was it?", "obscure")]


def test_the_hub_s_set_from_a_folder(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "hallucination.jsonl.gz", "wt") as file:
        file.write(lines(ROWS))
    assert len(load(PUBLISHED, str(tmp_path))) == 2
    assert len(load(None, str(tmp_path))) == 40  # ours need no data
    with pytest.raises(UserError, match=r"data_dir=/no has no hallucination\.jsonl .* suite\.questions=null"):
        check(PUBLISHED, "/no")


def test_the_hub_s_set_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "published", lambda name, key, ways: iter([row | {"more": 1} for row in ROWS]))
    assert [one.id for one in load(PUBLISHED, None)] == ["far_future-1", "non_sense-1"]


def test_a_hub_that_does_not_answer_is_told_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_ask", lambda name: "it is far away")
    with pytest.raises(
        UserError, match="it is far away; have mode=prefetch put its rows into data_dir=.* or ask ours with"
    ):
        check("someone/unseen-set", None)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "is empty"),
        (
            [{"Question": "a", "category": "b"}],
            "row 1: no column question, it has Question, category; did you"
            " mean 'Question'? Rename it to question",
        ),
        (
            [{"question": "a", "categories": "b"}],
            "no column category, it has question, categories; did you mean",
        ),
        ([{"prompt": "a", "category": "b"}], "no column question, it has prompt, category"),
        (
            [{"question": "a", "category": "b"}, {"question": " ", "category": "b"}],
            "row 2: question is no text",
        ),
        ([{"question": 3, "category": "b"}], "row 1: question is no text: 3"),
        ([{"question": "a", "category": "b"}] * 2, "row 2: the question of row 1 stands there again"),
        (["a"], "row 1: no object with columns"),
        ([{"question": "\ud800", "category": "b"}], "row 1: question is not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_told(rows: list[Any], said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(lines(rows))
    with pytest.raises(UserError) as error:
        load(str(file), None)
    assert said in str(error.value) and str(file) in str(error.value)


def test_broken_lines_and_missing_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "a"')
    with pytest.raises(UserError, match="row 1: broken JSON"):
        load(str(tmp_path / "mine.jsonl"), None)
    with pytest.raises(UserError, match=r"suite\.questions=/no/mine\.jsonl does not exist"):
        check("/no/mine.jsonl", None)


def test_the_digest_tells_sets_apart() -> None:
    rows = list(enumerate(ROWS, start=1))
    assert questions.digest(read(rows, "x")) == questions.digest(read(rows, "y"))
    assert questions.digest(read(rows, "x")) != questions.digest(read(rows[:1], "x"))
