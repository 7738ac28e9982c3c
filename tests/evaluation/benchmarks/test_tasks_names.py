"""Names of lm-eval's tasks are known without lm-eval, and the same as it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.evaluation.benchmarks.names import check, known_names, task_folder

NLP15 = (
    "openbookqa", "sciq", "race", "arc_challenge", "piqa", "record", "sst2", "mrpc", "rte", "mnli",
    "mnli_mismatch", "wsc273", "winogrande", "wic", "hellaswag",
)  # fmt: skip


FOLDERS = (
    "arc", "bbh", "glue", "hellaswag", "ifeval", "leaderboard", "mmlu", "openbookqa", "piqa", "race", "sciq",
    "scrolls", "super_glue", "winogrande", "wsc273",
)  # fmt: skip


def test_names_are_known_as_lm_eval_knows_them() -> None:
    from lm_eval.tasks import TaskManager

    places = [f"{task_folder() / folder}/" for folder in FOLDERS]  # all of them are six seconds
    manager, known = TaskManager(include_defaults=False, include_path=places), known_names()
    index = manager.task_index
    inside = {name for name, told in known.files.items() if str(told.path).startswith(tuple(places))}
    assert inside == {*manager.all_subtasks, *manager.all_groups} and len(inside) > 250
    assert {name for name in inside if known.files[name].group} == set(manager.all_groups)
    assert all(index[tag].tags <= set(known.tags[tag]) for tag in manager.all_tags)
    assert all(known.files[name].path == index[name].yaml_path for name in inside)


def test_groups_and_tags_have_leaves_and_few_folders() -> None:
    known = known_names()
    assert len(known.leaves("mmlu")) == 57 and "mmlu_anatomy" in known.leaves("mmlu")
    assert set(known.leaves("ai2_arc")) == {"arc_easy", "arc_challenge"}
    assert known.leaves("rte") == ["rte"]
    assert [folder.name for folder in known.folders(["mmlu"])] == ["default"]
    assert [folder.name for folder in known.folders(["race", "wic", "race"])] == ["race", "wic"]


def test_an_unknown_task_is_answered_with_near_names() -> None:
    check(NLP15, None)
    check(["mmlu", "ai2_arc"], None)
    with pytest.raises(UserError, match="suite.tasks: hellaswg is no task, .*did you mean hellaswag"):
        check(["rte", "hellaswg"], None)
    with pytest.raises(UserError, match="suite.tasks is empty"):
        check([], None)


def test_tasks_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "_base").write_text("tag: [home, 'two']  # a comment\ndoc_to_text: x\n")
    (tmp_path / "a.yaml").write_text('include: _base\n"task": "mine"  # the name\n')
    (tmp_path / "b.yaml").write_text("tag:\n  - other\ntask: rte\n")
    (tmp_path / "c.yaml").write_text(
        "group: house\ntask:\n  - home\n  - {group: room, task: [rte]}\n  - task: sst2\n    num_fewshot: 1\n"
    )
    known = known_names(tmp_path)
    assert known.tags["home"] == ("mine",) and known.tags["two"] == ("mine",)
    assert known.files["rte"].path == tmp_path / "b.yaml" and known.tags["other"] == ("rte",)
    assert known.leaves("house") == ["mine", "rte", "sst2"]
    assert known.config("mine")["doc_to_text"] == "x"
    check(["mine", "house", "home"], tmp_path)
    with pytest.raises(UserError, match=f"nor in suite.include_path={tmp_path}; did you mean mine"):
        check(["mino"], tmp_path)
    with pytest.raises(UserError, match="suite.include_path=.* is no folder"):
        check(["mine"], tmp_path / "none")
