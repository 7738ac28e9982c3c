"""constants.yaml as numbers: stated ones as they stand, recorded ones looked up where a study recorded them.

>>> at({"runs": [{"rows": 1, "seconds": 2.5}, {"rows": 9, "seconds": [4.0, 8.0, 5.0]}]},
...    ["runs", {"rows": 9}, "seconds"])
5.0
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from lamini.errors import UserError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

Constants = Mapping[str, float]
"""Name -> number; the names of constants.yaml."""


def told(file: Path = HERE / "constants.yaml") -> dict[str, dict[str, Any]]:
    """The entries as they stand."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return entries


def constants(file: Path = HERE / "constants.yaml", root: Path = ROOT) -> dict[str, float]:
    """All of them as numbers.

    Raises:
        UserError: one has no source, is no number, or is not where it is said to be recorded.
    """
    return {name: _number(name, entry, root) for name, entry in told(file).items()}


def _number(name: str, entry: Mapping[str, Any], root: Path) -> float:
    if not entry.get("source"):
        raise UserError(f"constants.yaml: {name} names no source")
    if "file" in entry:
        try:
            return at(json.loads((root / entry["file"]).read_text(encoding="utf-8")), entry["at"])
        except (OSError, ValueError, LookupError, TypeError, StopIteration) as error:
            if "value" not in entry:
                raise UserError(
                    f"constants.yaml: {name} is not at {entry.get('at')} of {entry['file']}; record it"
                    " (experiments/scale/run.sh measures what this study records) or give it a value"
                ) from error
    try:
        value = float(entry["value"])
    except (TypeError, ValueError, KeyError):
        value = math.nan
    if not 0 <= value < math.inf:
        raise UserError(f"constants.yaml: {name} is {entry.get('value')!r}; it must be a number from 0")
    return value


def at(tree: Any, path: Sequence[Any]) -> float:
    """The number at a path of keys; a mapping picks the entry of a list that has those values.

    A list of numbers stands for its median.
    """
    for key in path:
        if isinstance(key, Mapping):
            tree = next(each for each in tree if all(each.get(k) == v for k, v in key.items()))
        else:
            tree = tree[key]
    return float(median(tree) if isinstance(tree, list) else tree)
