"""The line of analyze.py that looks at the data of a run: its option of data=, and what differs from that."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from lamini.comparison.herd import Tree
from lamini.compose import CONF

TARGET = "_target_"


def analyze_line(data: Tree | None) -> str:
    """`data` is the key of a run's config.yaml; None: nobody knows.

    A run on pairs.jsonl gives `python analyze.py data=file data.path=pairs.jsonl`.
    """
    told = [
        [f"data={option}", *_differences(values, data)]
        for option, values in _options().items()
        if data and values[TARGET] == data.get(TARGET)
    ]
    return " ".join(["python analyze.py", *min(told, key=len, default=["data=<data>"])])


def _differences(option: Tree, data: Tree, before: str = "data.") -> Iterator[str]:
    """The words that make the one into the other: values, and keys that are new or gone."""
    yield from (f"~{before}{key}" for key in option if key not in data)
    for key, value in data.items():
        old = option.get(key)
        if isinstance(value, dict):
            yield from _differences(old if isinstance(old, dict) else {}, value, f"{before}{key}.")
        elif key not in option or value != old:
            yield f"{'' if key in option else '+'}{before}{key}={shlex.quote(_word(value))}"


def _word(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache
def _options() -> dict[str, dict[str, Any]]:
    """Option of data= -> its values; those that build on another one are left out."""
    trees = {
        file.stem: yaml.safe_load(file.read_text("utf-8")) for file in sorted((CONF / "data").glob("*.yaml"))
    }
    return {name: tree for name, tree in trees.items() if TARGET in tree}
