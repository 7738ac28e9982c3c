"""The joined file grows, replaces whom it has again, and never mixes sets or two models of one name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamini.errors import UserError
from lamini.evaluation.answers.table import SCHEMA, Joined, read, write


def row(student: str, response: str, source: str = "student", model: str = "/m") -> dict[str, Any]:
    return {
        "student": student,
        "source": source,
        "instruction_id": "t0",
        "response": response,
        "model": model,
    }


def responses(joined: Joined) -> list[tuple[str, str]]:
    return [(found["student"], found["response"]) for found in joined.rows()]


def test_students_join_and_take_their_own_place_again(tmp_path: Path) -> None:
    joined = Joined(tmp_path / "deep" / "answers.parquet", "set")
    joined.put([row("a", "1")])
    joined.put([row("b", "2")])
    Joined(joined.path, "set").put([row("a", "3")])
    assert responses(joined) == [("b", "2"), ("a", "3")]
    assert pq.read_schema(joined.path).names == SCHEMA.names
    assert [path.name for path in joined.path.parent.glob("[!.]*")] == ["answers.parquet"]


def test_another_set_is_refused_and_replaced_with_force(tmp_path: Path) -> None:
    path = tmp_path / "answers.parquet"
    Joined(path, "one").put([row("a", "1")])
    with pytest.raises(UserError, match="answers to other instructions; choose another suite.name"):
        Joined(path, "two")
    anew = Joined(path, "two", anew=True)
    anew.put([row("b", "2")])
    assert responses(Joined(path, "two")) == [("b", "2")]


def test_two_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    joined = Joined(tmp_path / "answers.parquet", "set")
    joined.put([row("t5", "1", model="/herd/t5"), row("gpt", "2", "teacher", "gpt-0301")])
    assert joined.name_for("t5", "student", "/herd/t5", "herd/t5") == "t5"
    assert joined.name_for("t5", "student", "/other/t5", "other/t5") == "other/t5"
    assert joined.name_for("gpt", "teacher", "", "teacher/gpt") == "gpt"  # a newer snapshot
    assert joined.name_for("gpt", "file", "gpt.jsonl", "file/gpt") == "file/gpt"
    joined.put([row("other/t5", "3", model="/third/t5")])
    with pytest.raises(UserError, match="has t5 and other/t5 from elsewhere"):
        joined.name_for("t5", "student", "/other/t5", "other/t5")


def test_files_of_somebody_else_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(UserError, match="other.parquet is no file of answers"):
        read(tmp_path / "other.parquet")
    whole = tmp_path / "answers.parquet"
    write(whole, [row("a", "1")], "set")
    assert read(whole)[1] == "set"
    whole.write_bytes(whole.read_bytes()[:-9])
    with pytest.raises(UserError, match="answers.parquet is no intact parquet file"):
        read(whole)
