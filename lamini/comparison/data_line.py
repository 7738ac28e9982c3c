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
UNSET = "???"


def analyze_line(data: Tree | None) -> str:
    """`data` is the key of a run's config.yaml; None: nobody knows.

    A run on pairs.jsonl gives `python analyze.py data=file data.path=pairs.jsonl`.
    """
    words = ["data=<data>"] if not data else min(_differences(data), key=len, default=["data=<data>"])
    return " ".join(["python analyze.py", *words])


def _differences(data: Tree) -> Iterator[list[str]]:
    """For each option of data= that is of the same class: the words that make it this data."""
    own = dict(_flat(data))
    for option, values in _options().items():
        if values.get(TARGET) != data.get(TARGET):
            continue
        told = [
            f"{'' if key in values else '+'}data.{key}={shlex.quote(_word(value))}"
            for key, value in own.items()
            if key not in values or values[key] != value
        ]
        yield [f"data={option}", *told, *(f"~data.{key}" for key in values if key not in own)]


def _flat(tree: Tree, before: str = "") -> Iterator[tuple[str, Any]]:
    """`{sources: {flan: {limit: 5}}}` -> `sources.flan.limit`, 5."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _word(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache
def _options() -> dict[str, dict[str, Any]]:
    """Option of data= -> its values; those that build on another one are left out."""
    found = {}
    for file in sorted((CONF / "data").glob("*.yaml")):
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
        if TARGET in tree:
            found[file.stem] = dict(_flat(tree))
    return found
