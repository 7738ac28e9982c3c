"""Numbers in percent: headlines, groups of tasks, wrappers, means; nothing where there is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamini.comparison import scores
from lamini.comparison.herd import Kind, Member


def entry(value: float, metric: str = "acc", share: bool = True, **more: Any) -> dict[str, Any]:
    numbers = {"value": value, "stderr": 0.012, "n": 50, "chance": 0.25}
    return {metric: numbers, "headline": metric, "share": share, "version": "1", **more}


MEMBER = Member(
    "x", Kind.model, Path("x"), {},
    suites={
        "quick": {
            "wrapper": "bare", "tasks": {"a": entry(0.513), "mmlu_1": entry(0.2), "mmlu_2": entry(0.4),
                                         "length": entry(14.2, "words", False)},
            "groups": {"mmlu": entry(0.3, tasks=["mmlu_1", "mmlu_2"])},
            "mean": {"value": 0.4065, "stderr": 0.01, "tasks": 2}, "weighted_mean": None, "failed": {},
            "others": {"alpaca": {"tasks": {"a": entry(0.6)}, "groups": {}, "mean": None}},
        },
        "toxicity": {"groups": {}},
    },
)  # fmt: skip


def test_shares_are_percent_and_other_numbers_as_they_are() -> None:
    assert scores.score(MEMBER, "quick", "a") == scores.Score(51.3, 1.2, 25.0, 50, "acc", True)
    assert scores.score(MEMBER, "quick", "length") == scores.Score(14.2, 0.012, 0.25, 50, "words", False)
    assert scores.mean(MEMBER, "quick") == 40.65
    assert scores.mean_error(MEMBER, "quick") == 1.0


def test_a_group_stands_for_its_tasks() -> None:
    assert list(scores.columns(MEMBER, "quick")) == ["a", "mmlu", "length"]
    assert scores.score(MEMBER, "quick", "mmlu_1") is None


def test_other_wrappers() -> None:
    found = scores.score(MEMBER, "quick", "a", "alpaca")
    assert found is not None
    assert found.value == 60.0
    assert scores.part(MEMBER, "quick", "bare") is MEMBER.suites["quick"]
    assert scores.mean(MEMBER, "quick", wrapper="alpaca") is None


def test_nothing_where_there_is_nothing() -> None:
    assert scores.score(MEMBER, "quick", "b") is None
    assert scores.mean(MEMBER, "nlp15") is None
    assert scores.mean(MEMBER, "quick", "weighted_mean") is None
    assert scores.columns(MEMBER, "toxicity") == {}
    assert scores.benchmarks([MEMBER]) == ["quick"]
