"""Test items: which texts of them are looked for, and files that are none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lamini.analysis import items
from lamini.errors import UserError
from tests.data.toys import shared_data


@pytest.mark.parametrize(
    ("task", "record", "expected"),
    [
        (
            "winogrande",
            {"sentence": "Ann met Bo, so _ left", "option1": "Ann", "option2": "Bo", "answer": "1"},
            ["Ann met Bo, so _ left", "Ann met Bo, so Ann left", "Ann met Bo, so Bo left"],
        ),
        ("arc_challenge", {"question": "Why?", "choices": {"text": ["a"]}, "id": "7"}, ["Why?"]),
        ("mnli", {"premise": "p", "hypothesis": "h", "label": 1}, ["p", "h"]),
        ("of_mine", {"prompt": "p", "n": 3, "target": "t", "list": ["x"]}, ["p", "t"]),
    ],
)
def test_texts(task: str, record: dict[str, Any], expected: list[str]) -> None:
    assert list(items.texts(record, task)) == expected


def test_real_files_have_the_columns_that_the_table_names() -> None:
    found = items.files(str(shared_data() / "eval"))
    read = {task: items.read(task, path) for task, path in found.items()}
    assert {task: len(read[task]) for task in ("arc_challenge", "race", "wsc273")} == {
        "arc_challenge": 1172, "race": 1045, "wsc273": 273,
    }  # fmt: skip
    assert set(read) <= set(items._mapping()), "every real task has a row of its own"
    assert len(read["winogrande"][0].texts) == 3


def test_content_names_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": "y"}\n')
    before = items.digest(items.files(str(tmp_path)))
    (tmp_path / "notes.txt").write_text("no task")
    assert items.digest(items.files(str(tmp_path))) == before
    (tmp_path / "a.jsonl").write_text('{"x": "z"}\n')
    assert items.digest(items.files(str(tmp_path))) != before


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"contamination\.tasks=.*missing is no folder"):
        items.files(str(tmp_path / "missing"))
    with pytest.raises(UserError, match="holds no <task>.jsonl"):
        items.files(str(tmp_path))
    (tmp_path / "a.jsonl").write_text("{}")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(UserError, match="holds a twice"):
        items.files(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b"{broken\n", "no intact file of JSON objects"),
        ("a.jsonl", b"[1]\n", "no intact file"),
        ("a.jsonl", b'{"n": 1}\n', "no item with text"),
        ("a.jsonl", b"\xff\xfe\n", "no intact file"),
        ("a.jsonl.gz", b"not zipped", "is damaged"),
        ("a.jsonl.gz", gzip.compress(b'{"n": 1}', mtime=0)[:10] + b"\xff" * 30, "is damaged"),
        (
            "arc_challenge.jsonl",
            json.dumps({"query": "x"}).encode(),
            "line 1 has no column question; it has query",
        ),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        items.read(name.split(".")[0], path)
