"""The line of analyze.py for a run's data, put together again, is that data."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

import pytest

from lamini.comparison.dataset.data_line import analyze_line
from lamini.compose import compose
from lamini.runs import plain


@pytest.mark.parametrize(
    "words",
    [
        ["data=oracle"],
        ["data=oracle", "data.pairs=300", "data.fault_rate=0.1"],
        ["data=file", "data.path=some folder/pairs.jsonl"],
        ["data=file", "data.path=pairs.txt", "data.format=jsonl"],
        ["data=lamini", "data.sources.generated_flan.limit=52000", "~data.sources.alpaca"],
        ["data=alpaca"],
        ["data=lamini", "+data.sources.mine={path: mine.jsonl, weight: 2.0}"],
    ],
    ids=" ".join,
)
def test_it_is_the_same_data(words: list[str]) -> None:
    trained: Any = compose("train", ["model=t5-nano", *words])  # type: ignore[arg-type]
    line = analyze_line(plain(trained)["data"])
    assert line.startswith("python analyze.py data=")
    looked_at: Any = compose("analyze", shlex.split(line)[2:])  # type: ignore[arg-type]
    assert dataclasses.asdict(looked_at.data) == dataclasses.asdict(trained.data)


def test_only_what_differs_is_said() -> None:
    data = plain(compose("train", ["model=t5-nano", "data=oracle", "data.pairs=300"]))["data"]  # type: ignore[arg-type]
    assert analyze_line(data) == "python analyze.py data=oracle data.pairs=300"


def test_data_that_nobody_knows() -> None:
    assert analyze_line(None) == "python analyze.py data=<data>"
    assert analyze_line({"_target_": "elsewhere.Data", "path": "x"}) == "python analyze.py data=<data>"
