"""Generated pairs for the tests of curation and shards."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lamini.config import Curation
from lamini.data.shards import PAIRS

EMPTY: dict[str, Any] = {
    "instruction_source": "alpaca", "teacher": "oracle", "model": "oracle-1", "prompt_hash": "p",
    "examples": [], "topics": [], "instruction_request": "", "sample": 0, "finish_reason": "stop",
    "prompt_tokens": 3, "response_tokens": 2, "price_usd": None,
}  # fmt: skip


def pair(instruction: str, response: str = "An answer.", **columns: Any) -> dict[str, Any]:
    return {
        **EMPTY,
        "instruction": instruction,
        "response": response,
        "request": f"r-{instruction}",
        **columns,
    }


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, PAIRS)


def nothing(**changes: Any) -> Curation:
    """A curation without a step, but for the changes."""
    options: dict[str, Any] = {
        "exact": False, "near": None, "languages": None, "length": None, "refusals": False, "echoes": False,
        "lossy": None, "lossy_accepted": "",
    }  # fmt: skip
    return Curation(**{**options, **changes})


class Collected:
    """A sink that keeps its rows."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self.batches.append(batch)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for part in self.batches for row in part.to_pylist()]
