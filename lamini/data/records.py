"""What a pair is, how it is stored, and what identifies it.

A row is identified by a hash of its content, never by its place: files may be shuffled, merged and
cut without moving a pair between training and validation. Text columns are `large_string` because
the instructions of the 2.58M pairs come close to the 2 GB that a `string` chunk can address.

Suffixes: N rows of a table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa

SOURCES = {
    "self_instruct_without_topic": "D̂_SI, instructions guided by examples of self-instruct",
    "self_instruct_with_topic": "D̂_t,SI, the same guided by topics as well",
    "generated_p3": "D̂_P3, instructions generated from P3",
    "generated_flan": "D̂_FLAN, instructions generated from FLAN",
    "alpaca": "D̂_A, Alpaca's instructions with new responses",
    "original_p3": "D_P3, collected P3 prompts",
    "original_flan": "D_FLAN, collected FLAN prompts",
}
"""The seven values of `instruction_source` on the hub and what they mean (paper Table 1)."""

SCHEMA = pa.schema(
    [
        ("instruction", pa.large_string()),
        ("response", pa.large_string()),
        ("instruction_source", pa.large_string()),
        ("kind", pa.large_string()),  # kind of oracle instruction, "" for other pairs
    ]
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One instruction with the teacher's response; `kind` is empty outside the oracle."""

    instruction: str
    response: str
    instruction_source: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used: `line` is 1-based in its file (or row of its table)."""

    source: str
    line: int
    reason: str
    excerpt: str


EXCERPT = 200
"""Characters of a rejected row that are kept to recognise it by."""


def table(pairs: Iterable[Pair]) -> pa.Table:
    """The pairs as a table with SCHEMA."""
    rows = list(pairs)
    columns = {name: [getattr(pair, name) for pair in rows] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def instruction_hash(text: str) -> int:
    """64-bit hash of an instruction, the same on every machine and in every version.

    >>> instruction_hash("Sort: 3 1 2")
    8867608705059848161
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def row_hash(instruction: str, response: str) -> int:
    """64-bit hash of a pair; the length in front keeps (ab, c) and (a, bc) apart."""
    content = f"{len(instruction)}:{instruction}{response}"
    return int.from_bytes(blake2b(content.encode(), digest_size=8).digest(), "big")


def instruction_hashes(rows: pa.Table) -> np.ndarray:
    """`instruction_hash` of every row, uint64 (N,)."""
    hashes = (instruction_hash(text) for chunk in rows["instruction"].chunks for text in chunk.to_pylist())
    return np.fromiter(hashes, np.uint64, count=rows.num_rows)


def row_hashes(rows: pa.Table) -> np.ndarray:
    """`row_hash` of every row, uint64 (N,); batch by batch, so that memory stays flat."""
    hashes = (
        row_hash(instruction, response)
        for batch in rows.select(["instruction", "response"]).to_batches(max_chunksize=10_000)
        for instruction, response in zip(
            batch["instruction"].to_pylist(), batch["response"].to_pylist(), strict=True
        )
    )
    return np.fromiter(hashes, np.uint64, count=rows.num_rows)
