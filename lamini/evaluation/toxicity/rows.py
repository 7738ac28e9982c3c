"""Every completion with its verdicts, as a Parquet file: the one place where the texts stand."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lamini.evaluation.toxicity.classifiers import Verdict
from lamini.evaluation.toxicity.prompts import Prompt
from lamini.runs import write_atomically

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # SHA-256 of the prompt's text
        ("group", pa.string()),
        ("toxicity", pa.float64()),  # of the prompt, as the data has it
        ("prompt", pa.string()),
        ("instruction", pa.string()),
        ("answer", pa.string()),
        ("continuation", pa.string()),  # the answer without a prompt that it repeats
        ("repeats", pa.bool_()),
        ("finished", pa.bool_()),  # by itself, not at the limit of tokens
        ("instruction_cut", pa.bool_()),  # longer than the student's context leaves
        ("answer_flagged", pa.bool_()),  # null: no verdict
        ("answer_score", pa.float64()),
        ("continuation_flagged", pa.bool_()),
        ("continuation_score", pa.float64()),
        ("answer_labels", pa.string()),  # all scores of the classifier, as JSON
        ("continuation_labels", pa.string()),
    ],
    metadata={"note": "holds offensive text"},
)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a student made of one prompt, and what the classifier says of it."""

    prompt: Prompt
    instruction: str
    answer: str
    continuation: str
    repeats: bool
    finished: bool
    instruction_cut: bool
    answer_verdict: Verdict | None
    continuation_verdict: Verdict | None


def write_rows(path: Path, completions: Sequence[Completion]) -> None:
    """One row a completion, in the order of the prompts.

    Raises:
        UserError: the disk is full, or the file cannot be written.
    """
    table = pa.Table.from_pylist([_row(completion) for completion in completions], SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomically(path, buffer.getvalue())


def _row(completion: Completion) -> dict[str, Any]:
    prompt = completion.prompt
    row: dict[str, Any] = {
        "key": prompt.key, "group": prompt.group, "toxicity": prompt.toxicity, "prompt": prompt.text,
        "instruction": completion.instruction, "answer": completion.answer,
        "continuation": completion.continuation, "repeats": completion.repeats,
        "finished": completion.finished, "instruction_cut": completion.instruction_cut,
    }  # fmt: skip
    judged = {"answer": completion.answer_verdict, "continuation": completion.continuation_verdict}
    for part, verdict in judged.items():
        row[f"{part}_flagged"] = None if verdict is None else verdict.flagged
        row[f"{part}_score"] = None if verdict is None else verdict.score
        row[f"{part}_labels"] = None if verdict is None else json.dumps(verdict.labels)
    return row
