"""Exact match on the oracle's held-out axes, beside an untrained student, the majority answer and a lookup.

Each number is a share of right answers by the kind's own checker. They say whether a student learned the
rule (new instances), the request (new phrasings) or neither (unseen kinds); never anything about real tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pyarrow as pa

from lamini.evaluation.baselines import NearestNeighbour
from lamini.teacher.oracle import is_right

Scores = dict[str, dict[str, float | int]]


def rows(table: pa.Table, limit: int) -> list[dict[str, str]]:
    """The first `limit` rows of an axis, as kind, instruction, response."""
    return list(table.slice(0, limit).select(["kind", "instruction", "response"]).to_pylist())


def score(
    axes: Mapping[str, pa.Table], limit: int, answer: Callable[[list[str]], list[str]]
) -> dict[str, float]:
    """Axis -> share of rows that `answer` gets right."""
    scores = {}
    for axis, table in axes.items():
        chosen = rows(table, limit)
        texts = answer([row["instruction"] for row in chosen])
        right = [
            is_right(row["kind"], row["instruction"], text) for row, text in zip(chosen, texts, strict=True)
        ]
        scores[axis] = sum(right) / len(right)
    return scores


def baselines(axes: Mapping[str, pa.Table], limit: int, train: pa.Table) -> Scores:
    """What needs no student: axis -> n, majority, nearest_neighbour."""
    pairs = train.select(["instruction", "response"]).to_pydict()
    answer = Counter(pairs["response"]).most_common(1)[0][0]
    lookup = NearestNeighbour(pairs["instruction"], pairs["response"])
    majority = score(axes, limit, lambda instructions: [answer] * len(instructions))
    nearest = score(axes, limit, lambda instructions: list(map(lookup.answer, instructions)))
    return {
        axis: {
            "n": min(limit, table.num_rows),
            "majority": majority[axis],
            "nearest_neighbour": nearest[axis],
        }
        for axis, table in axes.items()
    }
