"""A run as a tracker's table shows it: facts as columns, what changes the result, the last numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamini.runs import plain
from lamini.training.described import columns, described, summary
from tests.training import small

RECORD: dict[str, Any] = {
    "wandb_id": "0123-4567", "student": "t5-nano", "family": "t5", "size": "nano", "init": "scratch",
    "architecture": "encoder-decoder", "parameters": 9, "trained_parameters": 9, "rehearsal": False,
    "data": {"fingerprint": "ab", "pairs": 55}, "provenance": {"config_hash": "0123"}, "status": "done",
    "validation_loss": 1.5, "mfu": None, "error": None,
    "held_out": {"new_kinds": {"student": 0.5, "majority": 0.1}, "new_phrasings": {"majority": 0.2}},
}  # fmt: skip


def _tree(tmp_path: Path, *line: str) -> dict[str, Any]:
    return plain(small.config(tmp_path, "t5", *line))


def test_names_group_and_tags_are_those_of_the_herd(tmp_path: Path) -> None:
    told = described(_tree(tmp_path, "name=zoo"), RECORD, "t5-nano,seed=2")
    assert told["id"] == "0123-4567" and told["group"] == "zoo"
    assert told["name"] == "t5-nano,seed=2 (scratch)" and told["tags"] == ["t5", "nano", "scratch"]
    pretrained = described(_tree(tmp_path), {**RECORD, "init": "pretrained", "rehearsal": True}, "t5-small")
    assert pretrained["name"] == "t5-small" and pretrained["tags"][-2:] == ["pretrained", "rehearsal"]


def test_columns_hold_what_changes_the_result_and_nothing_of_the_machine(tmp_path: Path) -> None:
    found = columns(_tree(tmp_path), RECORD)
    assert (found["family"], found["size"], found["architecture"]) == ("t5", "nano", "encoder-decoder")
    assert found["seed"] == 42 and found["optimizer"]["lr"] == 0.002 and found["config_hash"] == "0123"
    assert found["data"]["pairs"] == 60 and found["data_facts"]["pairs"] == 55
    assert found["student_facts"]["wrapper"] == "bare" and "sizes" not in found["student_facts"]
    assert found["student_facts"]["architecture"]["d_model"] == 16, "what the line says wins over the family"
    assert not {"paths", "logger", "mode", "force"} & set(found)
    assert str(tmp_path) not in str(found)


def test_two_runs_that_differ_by_a_key_differ_by_a_column(tmp_path: Path) -> None:
    one, other = (columns(_tree(tmp_path, f"optimizer.lr={lr}"), RECORD) for lr in (0.1, 0.2))
    differing = {key for key in one if one[key] != other[key]}
    assert differing == {"optimizer"}


def test_a_summary_holds_what_is_known() -> None:
    assert summary(RECORD) == {
        "status": "done", "parameters": 9, "validation_loss": 1.5, "exact_match/new_kinds": 0.5,
    }  # fmt: skip
    assert summary({"status": "failed", "error": "no room", "held_out": None}) == {
        "status": "failed", "error": "no room",
    }  # fmt: skip
