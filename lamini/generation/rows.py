"""Rows of the stages as Arrow batches: instructions with what they were made from, pairs with provenance.

Rows are plain dictionaries until a batch of them is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from lamini.data.shards import PAIRS, read_batches
from lamini.instructions.records import Instruction
from lamini.teacher.log import Entry
from lamini.teacher.money import dollars
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import FILTERED, Answer, Request

ROWS = 2000
"""Rows that wait as Python objects before they become a batch."""

INSTRUCTIONS = pa.schema(
    [
        ("instruction", pa.large_string()),
        ("instruction_source", pa.large_string()),
        ("examples", pa.list_(pa.large_string())),
        ("topics", pa.list_(pa.large_string())),
        ("instruction_request", pa.large_string()),
    ]
)
"""Columns of stage 1; names and meanings are those of `shards.PAIRS`."""

UNANSWERED = pa.schema([*INSTRUCTIONS, ("request", pa.large_string()), ("reason", pa.large_string())])
"""Columns of instructions without a usable response."""


def batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows in Arrow batches of at most ROWS."""
    source = iter(rows)
    while chunk := list(islice(source, ROWS)):
        yield pa.RecordBatch.from_pylist(chunk, schema)


def instruction_row(instruction: Instruction) -> dict[str, Any]:
    """An instruction as a row of stage 1."""
    return {
        "instruction": instruction.text,
        "instruction_source": instruction.source,
        "examples": list(instruction.examples),
        "topics": list(instruction.topics),
        "instruction_request": instruction.request,
    }


def read_instructions(folder: Path) -> Iterator[Instruction]:
    """The instructions of stage 1 in their order, streamed."""
    for batch in read_batches(folder, prefix="instructions", rows=ROWS):
        for row in batch.to_pylist():
            yield Instruction(
                row["instruction"], row["instruction_source"], tuple(row["examples"]),
                tuple(row["topics"]), row["instruction_request"],
            )  # fmt: skip


def pair_row(
    instruction: Instruction, request: Request, key: str, kind: str, answer: Answer, prices: Prices
) -> dict[str, Any]:
    """A pair with its provenance as a row of `shards.PAIRS`."""
    row = {
        **instruction_row(instruction),
        "response": answer.text.strip(),
        "teacher": kind,
        "model": answer.model,
        "prompt_hash": prompt_hash(request),
        "request": key,
        "sample": request.sample,
        "finish_reason": answer.finish,
        "prompt_tokens": answer.prompt_tokens,
        "response_tokens": answer.response_tokens,
        "price_usd": dollars(prices, answer.prompt_tokens, answer.response_tokens),
    }
    assert row.keys() == set(PAIRS.names)
    return row


def prompt_hash(request: Request) -> str:
    """16 hex digits of all that was said before the instruction; the same for every row asked alike."""
    said = "\n".join(f"{message.role}: {message.content}" for message in request.messages[:-1])
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def why_not(entry: Entry | None) -> str | None:
    """Why a log's entry is no response: it failed, was filtered, or is empty. None where it is one.

    An answer cut off by `length` is one, and says so in its `finish_reason`.
    """
    if entry is None:
        return "not asked"
    if entry.answer is None:
        return str(entry.failure)
    if entry.answer.finish == FILTERED:
        return FILTERED
    return None if entry.answer.text.strip() else "empty"
