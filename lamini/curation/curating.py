"""Curation of a stream of pairs: two passes over it, in memory only hashes and sketches.

The first pass judges every pair alone, writes out what falls there, and takes the hash and the sketch of the
rest. Then the repeats are known, and the second pass writes what stays and what repeats. The result depends
on the rows and their order alone: the same files give the same shards on every machine.

Suffixes: N rows of the stream, M rows that pass the steps on single pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from lamini.config import Curation
from lamini.curation.agreement import agreement
from lamini.curation.exact import instruction_key, repeats
from lamini.curation.near import Index
from lamini.curation.pairs import Verdict, checks, verdicts
from lamini.curation.report import Report

WHY = [
    pa.field("reason", pa.large_string()),  # one of report.STEPS
    pa.field("detail", pa.large_string()),  # what was found
    pa.field("duplicate_of", pa.large_string()),  # `request` of the row that stays; null for other reasons
    pa.field("similarity", pa.float32()),  # exact Jaccard similarity to it, for near-duplicates
]
"""What a dropped row says beside its own columns."""

Progress = Callable[[str, int], None]
"""Called with what is being done and the rows done so far."""


class Sink(Protocol):
    """Where rows go; a `lamini.data.shards.ShardWriter` is one."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take some rows."""


@dataclass
class _Seen:
    """What the first pass leaves behind."""

    passed_N: np.ndarray  # bool: not dropped for itself
    key_M: np.ndarray  # uint64 hashes of instruction and sample
    sample_M: np.ndarray  # uint64


def dropped_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of dropped rows: those of the rows, then WHY."""
    return pa.schema([*schema, *WHY])


def curate(
    batches: Callable[[], Iterable[pa.RecordBatch]],
    options: Curation,
    kept: Sink,
    dropped: Sink,
    scratch: Path,
    progress: Progress = lambda _, rows: None,
) -> Report:
    """Sort the rows of `batches()` into `kept` and `dropped`, both in their order by reason.

    `batches` is called twice and gives the same rows both times. Needed columns are instruction, response and
    instruction_source; sample (else 0) and request (else duplicates do not name the row that stays) are used
    where they are there, all others are passed on. `scratch` takes a nameless file of 8 bytes a word while it
    runs.

    Raises:
        UserError: a tokenizer or language that is not there, or a full disk.
    """
    report = Report()
    index = Index(options.near, scratch) if options.near is not None else None
    seen = _judge(batches(), options, index, dropped, report, progress)
    original_M = repeats(seen.key_M) if options.exact else np.full(len(seen.key_M), -1, np.int64)
    similarity_M = np.ones(len(original_M), np.float32)
    exact_M = original_M >= 0
    if index is not None:
        progress("near-duplicates", len(seen.key_M))
        index.close(~exact_M)
        near_M, close_M = index.duplicates()
        report.near = agreement(index, ~exact_M, seen.sample_M)
        original_M, similarity_M = _joined(original_M, near_M, close_M)
        del index
    _sort(batches(), seen.passed_N, (original_M, exact_M, similarity_M), kept, dropped, report, progress)
    return report


def _joined(original_M: np.ndarray, near_M: np.ndarray, close_M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row that stays for each exact or near repeat, and the similarity to it.

    Row 2 repeats row 1 exactly, which is 0.9 similar to row 0: exact -1, -1, 1 and near -1, 0, -1 give -1, 0,
    0 with 1, 0.9, 0.9, so that nobody is sent to a row that went too.
    """
    first_M = np.where(original_M >= 0, original_M, np.arange(len(original_M)))
    joined_M = np.where(near_M[first_M] >= 0, near_M[first_M], original_M)
    return joined_M, np.where(near_M[first_M] >= 0, close_M[first_M], np.float32(1))


def _judge(
    batches: Iterable[pa.RecordBatch],
    options: Curation,
    index: Index | None,
    dropped: Sink,
    report: Report,
    progress: Progress,
) -> _Seen:
    """First pass: drop what is wrong by itself, take hashes and sketches of the rest."""
    steps = checks(options)
    passed: list[np.ndarray] = [np.empty(0, bool)]
    keys: list[np.ndarray] = [np.empty(0, np.uint64)]
    samples: list[np.ndarray] = [np.empty(0, np.uint64)]
    done = 0
    for batch in batches:
        found = verdicts(steps, batch["instruction"].to_pylist(), batch["response"].to_pylist())
        passed_N = np.array([verdict is None for verdict in found], bool)
        _drop_pairs(batch, found, dropped, report)
        rest = batch.filter(pa.array(passed_N))
        sample_M = _samples(rest)
        if options.exact:
            pairs = zip(rest["instruction"].to_pylist(), sample_M.tolist(), strict=True)
            keys.append(np.fromiter((instruction_key(*pair) for pair in pairs), np.uint64, rest.num_rows))
        else:
            keys.append(np.zeros(rest.num_rows, np.uint64))
        if index is not None and rest.num_rows:
            index.add(rest["instruction"], sample_M)
        passed.append(passed_N)
        samples.append(sample_M)
        done += batch.num_rows
        progress("judged", done)
    return _Seen(np.concatenate(passed), np.concatenate(keys), np.concatenate(samples))


def _drop_pairs(batch: pa.RecordBatch, found: list[Verdict], dropped: Sink, report: Report) -> None:
    """Write the pairs that have a verdict."""
    rows = [row for row, verdict in enumerate(found) if verdict is not None]
    if not rows:
        return
    reasons, details = zip(*(verdict for verdict in found if verdict is not None), strict=True)
    part = batch.take(pa.array(rows))
    for source, why in zip(part["instruction_source"].to_pylist(), reasons, strict=True):
        report.drop(source, why)
    nothing = [None] * len(rows)
    dropped.write(_with_why(part, list(reasons), list(details), nothing, nothing))


def _sort(
    batches: Iterable[pa.RecordBatch],
    passed_N: np.ndarray,
    repeats_M: tuple[np.ndarray, np.ndarray, np.ndarray],
    kept: Sink,
    dropped: Sink,
    report: Report,
    progress: Progress,
) -> None:
    """Second pass: rows without an original stay, the others are written with its name."""
    original_M, exact_M, similarity_M = repeats_M
    named = np.zeros(len(original_M), bool)
    named[original_M[original_M >= 0]] = True
    names: dict[int, str | None] = {}
    done = first = 0
    for batch in batches:
        rest = batch.filter(pa.array(passed_N[done : done + batch.num_rows]))
        rows = np.arange(first, first + rest.num_rows)
        _remember(names, rest, rows[named[rows]] - first, first)
        repeat = original_M[rows] >= 0
        stay = rest.filter(pa.array(~repeat))
        report.kept.update(stay["instruction_source"].to_pylist())
        kept.write(stay)
        gone = rows[repeat]
        if len(gone):
            part = rest.filter(pa.array(repeat))
            reasons = ["exact" if exact else "near" for exact in exact_M[gone].tolist()]
            details = [f"similarity {value:.3f}" for value in similarity_M[gone].tolist()]
            originals = [names[row] for row in original_M[gone].tolist()]
            for source, why in zip(part["instruction_source"].to_pylist(), reasons, strict=True):
                report.drop(source, why)
            dropped.write(_with_why(part, reasons, details, originals, similarity_M[gone].tolist()))
        done += batch.num_rows
        first += rest.num_rows
        progress("written", done)


def _remember(names: dict[int, str | None], rest: pa.RecordBatch, places: np.ndarray, first: int) -> None:
    """Keep the request of rows that others repeat, by their number."""
    if len(places) == 0:
        return
    known = "request" in rest.schema.names
    requests = rest["request"].take(pa.array(places)).to_pylist() if known else [None] * len(places)
    names.update(zip((places + first).tolist(), requests, strict=True))


def _samples(batch: pa.RecordBatch) -> np.ndarray:
    """The sample number of each row, uint64; 0 where there is no such column."""
    if "sample" not in batch.schema.names:
        return np.zeros(batch.num_rows, np.uint64)
    return np.asarray(batch["sample"].fill_null(0)).astype(np.uint64)


def _with_why(
    part: pa.RecordBatch,
    reasons: list[str],
    details: list[str],
    originals: list[str | None] | list[None],
    similarities: list[float] | list[None],
) -> pa.RecordBatch:
    columns = [
        pa.array(values, field.type)
        for field, values in zip(WHY, (reasons, details, originals, similarities), strict=True)
    ]
    return pa.RecordBatch.from_arrays([*part.columns, *columns], schema=dropped_schema(part.schema))
