"""Workspace and report as W&B will read them: grouping, colours, columns, panels, the overview's blocks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lamini.analysis.tables import Column, Table
from lamini.comparison.blocks import Answers, Chapter, Drawing, Listing, Mark, Missing, Text
from lamini.comparison.figures.palette import FAMILIES
from lamini.comparison.herd import Kind, Member
from lamini.comparison.tracking import panels
from lamini.comparison.tracking.report import report
from lamini.comparison.tracking.scored import names, scored
from lamini.comparison.tracking.specs import write_report, write_workspace
from lamini.comparison.tracking.workspace import workspace

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb_workspaces")


def _suite(**tasks: float) -> dict[str, Any]:
    mean = {"value": sum(tasks.values()) / len(tasks), "stderr": 0.01, "tasks": len(tasks)}
    entries = {
        name: {"acc": {"value": value, "stderr": 0.01, "n": 9, "chance": None}, "headline": "acc",
               "share": True, "version": "1"}
        for name, value in tasks.items()
    }  # fmt: skip
    return {"format": 1, "limit": None, "wrapper": "bare", "tasks": entries, "groups": {}, "mean": mean,
            "weighted_mean": mean, "failed": {}, "others": {}}  # fmt: skip


def _member(family: str, size: str, **suites: dict[str, Any]) -> Member:
    record = {
        "student": f"{family}-{size}", "family": family, "size": size, "init": "pretrained",
        "wandb_id": family, "parameters": 10**6, "held_out": {"new_kinds": {"student": 0.5}},
    }  # fmt: skip
    config = {"name": "zoo", "family": {"wrapper": "bare"}}
    return Member(f"{family}-{size}", Kind.run, Path("outputs") / family, record, config, suites)


MEMBERS = [
    _member("t5", "small", nlp15=_suite(wic=0.5, sciq=0.7)),
    _member("gpt2", "medium", nlp15=_suite(wic=0.5, sciq=0.9), latency={"token_ms": {"median": 12.5}}),
    _member("flan-t5", "small"),
]


def _workspace(members: list[Member], folder: Path) -> dict[str, Any]:
    return dict(
        json.loads(write_workspace(workspace(members, "lamini", "us"), folder / "w.json").read_text())
    )


def _report(members: list[Member], folder: Path, *blocks: Any) -> dict[str, Any]:
    made = report(members, Chapter("overview", "Overview", blocks), "lamini", "", runs=False)
    return dict(json.loads(write_report(made, folder / "r.json").read_text()))


def test_the_workspace_groups_by_family_and_size_in_the_colours_of_the_book(tmp_path: Path) -> None:
    told = _workspace(MEMBERS, tmp_path)
    assert told["displayName"] == "LaMini: zoo" and told["project"] == "lamini" and told["entity"] == "us"
    (runs,) = told["spec"]["section"]["runSets"]
    assert runs["grouping"] == [
        {"section": "config", "name": "family.value"}, {"section": "config", "name": "size.value"},
    ]  # fmt: skip
    (group,) = runs["filters"]["filters"]
    assert (group["key"], group["op"], group["value"]) == ({"section": "run", "name": "group"}, "IN", ["zoo"])
    assert runs["sort"]["keys"] == [{"key": {"section": "summary", "name": "nlp15/mean"}, "ascending": False}]
    colours = told["spec"]["section"]["customRunColors"]
    by_family = {family: colour for family in ("flan-t5", "gpt2", "t5") for key, colour in colours.items()
                 if f"value%22%3A%22{family}%22" in key}  # fmt: skip
    assert list(by_family.values()) == list(FAMILIES)[:3]


def test_every_panel_plots_a_column_that_the_runs_have(tmp_path: Path) -> None:
    sections = _workspace(MEMBERS, tmp_path)["spec"]["section"]["panelBankConfig"]["sections"]
    assert [section["name"] for section in sections] == [
        "Scores", "Size", "Losses", "Speed and cost", "Configurations and answers",
    ]  # fmt: skip
    plotted = {name for s in sections for p in s["panels"] for name in p["config"].get("metrics", [])}
    assert set(names(MEMBERS)) <= plotted
    assert {"validation/loss", "train/loss", "response_tokens_per_second", "peak_memory_gib"} <= plotted
    curves = [p for s in sections for p in s["panels"] if p["viewType"] == "Run History Line Plot"]
    assert curves and all(panel["config"]["xAxis"] == panels.STEP for panel in curves)


def test_without_scores_the_herd_is_ordered_by_bits_per_byte(tmp_path: Path) -> None:
    (runs,) = _workspace(MEMBERS[2:], tmp_path)["spec"]["section"]["runSets"]
    assert runs["sort"]["keys"] == [
        {"key": {"section": "summary", "name": "validation_bits_per_byte"}, "ascending": True}
    ]
    assert "summary:validation_bits_per_byte" in runs["runFeed"]["columnOrder"]


def test_columns_are_percent_and_other_tasks_stand_apart() -> None:
    other = _member("llama", "nano", nlp15=_suite(wic=0.5))
    probed = _member(
        "pythia", "160m",
        hallucination={"judged_by": "rules", "judges": {"rules": {"total": {"share": 0.85}}}},
        toxicity={"groups": {"toxic": {"answer": {"rate": 0.125}}, "non-toxic": {"answer": {"rate": None}}}},
    )  # fmt: skip
    found = scored([*MEMBERS, other, probed])
    assert found["t5-small"] == {"nlp15/mean": 60.0, "nlp15/wic": 50.0, "nlp15/sciq": 70.0}
    assert found["gpt2-medium"]["latency/token_ms"] == 12.5 and found["flan-t5-small"] == {}
    assert found["llama-nano"]["nlp15 apart 1/mean"] == 50.0
    assert found["llama-nano"]["nlp15 apart 1/why"] == "lacks sciq"
    assert found["pythia-160m"] == {"hallucination/share": 85.0, "toxicity/toxic": 12.5}
    assert names(MEMBERS)[:1] == ["nlp15/mean"] and "exact_match/new_kinds" in names(MEMBERS)


def test_the_report_mirrors_the_overview(tmp_path: Path) -> None:
    table = Table(
        "herd", "The herd", [Column("student"), Column("score", ".1f")], [["t5|x", 51.26], ["b", None]]
    )
    told = _report(
        MEMBERS, tmp_path, Text("Three *students*."),
        Listing(table, {(0, 0): Mark("*", "from scratch"), (0, 1): Mark("†", "lacks wic")}),
        Missing("Ratings", "python rate.py"),
        Drawing("d", "t", "c", "a", lambda canvas: None),
    )  # fmt: skip
    texts = [block["content"] for block in told["spec"]["blocks"] if block["type"] == "markdown-block"]
    assert texts[0] == "Three *students*." and texts[2] == "Ratings: `python rate.py`"
    assert "### The herd" in texts[1] and "| t5\\|x | 51.3 |" in texts[1] and "| b |  |" in texts[1]
    assert "\\* from scratch: t5\\|x" in texts[1] and "† lacks wic: t5\\|x" in texts[1]
    kinds = [block["type"] for block in told["spec"]["blocks"]]
    assert kinds.count("panel-grid") == 1 and "table-of-contents" in kinds
    assert "book.html" in json.dumps(told["spec"])
    grid = next(block for block in told["spec"]["blocks"] if block["type"] == "panel-grid")["metadata"]
    assert [key["name"] for key in grid["runSets"][0]["grouping"]] == ["family.value", "size.value"]
    assert set(grid["customRunColors"].values()) == set(list(FAMILIES)[:3])


def test_a_users_text_stays_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)> ![a](http://evil) [b](javascript:c) `d`\n# e"
    told = _report(MEMBERS, tmp_path, Answers(hostile, [("t5", hostile)]))
    (text,) = [block["content"] for block in told["spec"]["blocks"] if block["type"] == "markdown-block"]
    answer = text.splitlines()[-1].removeprefix("- t5: ")
    assert "alert(1)" in answer and not set("<>[]!`#*_") & set(re.sub(r"\\.", "", answer))


def test_a_report_needs_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wandb.Api", lambda *told, **more: pytest.fail("W&B was asked"))
    assert _report(MEMBERS, tmp_path)["entity"] == "" and _workspace(MEMBERS, tmp_path)
