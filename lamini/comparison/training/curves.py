"""Curves of metrics.jsonl, thin enough to be drawn.

Arrow reads the columns that are drawn and skips the rest: 10,000 records in 0.03 s, `json` takes four times
as long. It knows no NaN, which a run that diverged has written; such a file is read by `json`.

Suffixes: N records, P points.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow

LOSS, VALIDATION = "train/loss", "validation/loss"
NAMES = (LOSS, VALIDATION)
POINTS = 160
"""Of a curve at most; a figure is hardly wider in pixels than four times as many."""
SCHEMA = pa.schema([("step", pa.int64()), *((name, pa.float64()) for name in NAMES)])


@dataclass(frozen=True)
class Curve:
    """Values at steps, float64 (P,) each."""

    step_P: np.ndarray
    value_P: np.ndarray


def read(file: Path, points: int = POINTS) -> dict[str, Curve]:
    """The curves of a run, by name; {} where there is no file. A last line that a crash cut is left out.

    Raises:
        OSError: the file cannot be read.
    """
    if not file.is_file():
        return {}
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    curves = {}
    for name, (step_N, value_N) in _columns(whole).items():
        if len(step_N):
            curves[name] = Curve(*thinned(step_N, value_N, points))
    return curves


def _columns(content: bytes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> steps and values of the records that have it."""
    if not content.strip():
        return {}
    try:
        options = arrow.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
        table = arrow.read_json(pa.BufferReader(content), parse_options=options)
    except pa.ArrowInvalid:
        table = pa.Table.from_pylist(list(_records(content)), SCHEMA)
    found = {}
    for name in NAMES:
        there = table[name].is_valid()
        found[name] = (table["step"].filter(there).to_numpy(), table[name].filter(there).to_numpy())
    return found


def _records(content: bytes) -> Iterator[dict[str, float]]:
    """The records up to the first line that is none, as training itself reads them when it goes on."""
    for line in content.splitlines():
        try:
            record = json.loads(line)
            yield {"step": int(record["step"])} | {n: float(record[n]) for n in NAMES if n in record}
        except (ValueError, KeyError, TypeError):
            return


def thinned(step_N: np.ndarray, value_N: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of the values and of their steps in `points` equal stretches; as they are where they are fewer.

    Steps 1 to 6 with the values 6 5 4 3 2 1 in three points: steps 1.5 3.5 5.5, values 5.5 3.5 1.5.
    """
    step_N, value_N = np.asarray(step_N, float), np.asarray(value_N, float)
    if len(step_N) <= points:
        return step_N, value_N
    first, last = step_N.min(), step_N.max()
    place_N = ((step_N - first) * points / (last - first + 1)).astype(int)
    often_P = np.bincount(place_N, minlength=points)
    there_P = often_P > 0
    step_P = np.bincount(place_N, step_N, points)[there_P] / often_P[there_P]
    return step_P, np.bincount(place_N, value_N, points)[there_P] / often_P[there_P]
