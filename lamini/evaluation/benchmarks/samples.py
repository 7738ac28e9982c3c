"""Row by row: the headline of every row, always; with samples=true also what was asked and answered.

outcomes: key, wrapper, task, row, outcome (0 or 1, or the row's F1). Small: 40,000 rows take 0.2 MB.
samples:  key, wrapper, task, row, prompt, choices, log_probabilities, greedy, answer, target, correct.
          `prompt` is the first request's context in its wrapper; a choice is what was scored after it, with
          its own context where those differ (WinoGrande, WSC273 put the options there). `answer` is the
          likeliest choice, per character for acc_norm as lm-eval has it, or the generated text.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lamini.evaluation.benchmarks.judging import Judged
from lamini.evaluation.benchmarks.prepared import Prepared
from lamini.runs import write_atomically

OUTCOMES = pa.schema(
    [("key", pa.string()), ("wrapper", pa.string()), ("task", pa.string()), ("row", pa.int32()),
     ("outcome", pa.float64())]
)  # fmt: skip
SAMPLES = pa.schema(
    [("key", pa.string()), ("wrapper", pa.string()), ("task", pa.string()), ("row", pa.int32()),
     ("prompt", pa.string()), ("choices", pa.list_(pa.string())),
     ("log_probabilities", pa.list_(pa.float64())), ("greedy", pa.list_(pa.bool_())),
     ("answer", pa.string()), ("target", pa.string()), ("correct", pa.float64())]
)  # fmt: skip


def outcomes_of(prepared: Prepared, wrapper: str, judged: Judged) -> pa.Table:
    """The headline of every row, where it is a mean over rows."""
    rows = [one["doc_id"] for one in judged.samples]
    return _table(OUTCOMES, prepared, wrapper, {"row": rows, "outcome": judged.outcomes or []})


def samples_of(prepared: Prepared, wrapper: str, wrap: Callable[[str], str], judged: Judged) -> pa.Table:
    """What was asked and answered, by row."""
    rows = [_sample(prepared, wrap, judged, one) for one in judged.samples]
    columns = {name: [row[name] for row in rows] for name in SAMPLES.names[3:]}
    return _table(SAMPLES, prepared, wrapper, columns)


def _table(schema: pa.Schema, prepared: Prepared, wrapper: str, columns: dict[str, list[Any]]) -> pa.Table:
    count = len(columns["row"])
    same = {"key": [prepared.key] * count, "wrapper": [wrapper] * count, "task": [prepared.name] * count}
    return pa.table({**same, **columns}, schema=schema)


def _sample(
    prepared: Prepared, wrap: Callable[[str], str], judged: Judged, one: Mapping[str, Any]
) -> dict[str, Any]:
    contexts = [arguments[0] for arguments in one["arguments"]]
    answers = [response[0] for response in one["resps"]]
    metric = one.get(judged.headline.partition(",")[0])
    found: dict[str, Any] = {
        "row": one["doc_id"], "prompt": wrap(contexts[0]), "target": str(one["target"]),
        "correct": float(metric) if isinstance(metric, int | float) else None,
    }  # fmt: skip
    if not isinstance(answers[0], tuple):
        texts = [str(answer) for answer in answers]
        return {**found, "choices": None, "log_probabilities": None, "greedy": None, "answer": texts[0]}
    apart = len(set(contexts)) > 1
    choices = [(context if apart else "") + rest for context, rest in one["arguments"]]
    logprobs = [float(logprob) for logprob, _ in answers]
    best = int(np.argmax(_normalised(prepared, judged, one, logprobs)))
    return {
        **found, "choices": choices, "log_probabilities": logprobs,
        "greedy": [bool(greedy) for _, greedy in answers], "answer": choices[best],
    }  # fmt: skip


def _normalised(
    prepared: Prepared, judged: Judged, one: Mapping[str, Any], logprobs: list[float]
) -> list[float]:
    """Divided by the characters of the choice where the headline is acc_norm."""
    if not judged.headline.startswith("acc_norm"):
        return logprobs
    choices = prepared.task.doc_to_choice(one["doc"])  # type: ignore[attr-defined]
    return [found / max(len(str(choice)), 1) for found, choice in zip(logprobs, choices, strict=False)]


def read(file: Path, schema: pa.Schema) -> pa.Table:
    """The file's rows; none where there is no such file, or a damaged one."""
    try:
        return pq.read_table(file, schema=schema)
    except (OSError, pa.ArrowException):
        return schema.empty_table()


def write(file: Path, tables: Iterable[pa.Table]) -> None:
    """Replace the file in one step.

    Raises:
        UserError: it cannot be written.
    """
    buffer = io.BytesIO()
    pq.write_table(pa.concat_tables(tables), buffer, compression="zstd")
    write_atomically(file, buffer.getvalue())


def rows_of(table: pa.Table) -> dict[tuple[str, str], pa.Table]:
    """(wrapper, key of a task) -> its rows."""
    found: dict[tuple[str, str], pa.Table] = {}
    if not table.num_rows:
        return found
    pairs = list(zip(table["wrapper"].to_pylist(), table["key"].to_pylist(), strict=True))
    starts = [0, *(row for row in range(1, len(pairs)) if pairs[row] != pairs[row - 1])]
    for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True):
        found[pairs[start]] = table.slice(start, end - start)
    return found
