"""The three stages of a data set: instructions, responses, curation; then manifest and card.

    <folder>/stages/instructions-*.parquet stage 1: every instruction, in the order of sources and calls
    <folder>/stages/pairs-*.parquet        stage 2: every response, in the same order
    <folder>/unanswered/*.parquet          instructions without a response, and why
    <folder>/train-*.parquet               stage 3: what stays;  dropped/: what does not, and why
    <folder>/manifest.json, README.md      written last: a folder that has them is finished

A stage asks first and writes afterwards, from the log. So a job that was killed begins anew and makes no call
twice, and the same answers give the same files whatever order they came in. The price is a second pass over
the log, minutes for millions of rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from lamini import responses
from lamini.config import GenerateConfig
from lamini.curation.curating import curate, dropped_schema
from lamini.data.shards import PAIRS, ShardWriter, read_batches
from lamini.errors import UserError
from lamini.generation import ending
from lamini.generation.asked import Asked, asking
from lamini.generation.counts import Counts
from lamini.generation.rows import (
    INSTRUCTIONS,
    UNANSWERED,
    batches,
    instruction_row,
    pair_row,
    read_instructions,
    why_not,
)
from lamini.instructions.records import Instruction
from lamini.instructions.sources import read, taken, writing
from lamini.instructions.writing import Writing
from lamini.teacher.stopping import Interruption
from lamini.workers.crews import Crew

T = TypeVar("T")


def generate(
    config: GenerateConfig, folder: Path, interruption: Interruption, crew: Crew | None = None
) -> None:
    """Make the data set of `config` in `folder`, or say that it is there; a `crew` has `config.workers`.

    Raises:
        UserError: the folder holds another data set, or something of the configuration is wrong.
        Stopped, KeyboardInterrupt: it ended early; the same call continues.
    """
    if ending.is_done(config, folder):
        print(f"{folder}: done already, skipped", flush=True)
        return
    counts, work = Counts(), folder / "stages"
    with asking(config, interruption, crew, config.workers) as asked:
        with ShardWriter(work, config.shard_rows, "instructions", INSTRUCTIONS) as writer:
            for batch in batches(map(instruction_row, _instructions(asked, counts)), INSTRUCTIONS):
                writer.write(batch)
        ask_responses(asked, work, counts)
        write_pairs(asked, work, folder, counts)
        cost = ending.cost(asked.log, asked.teacher, config.teacher.prices)
    if not counts.pairs:
        why = ", ".join(f"{count} {reason}" for reason, count in counts.unanswered.most_common(3))
        raise UserError(f"not one instruction was answered ({why}); see {folder / 'unanswered'}")
    report = _curated(config, folder, work)
    ending.finish(config, folder, counts, report, cost)
    shutil.rmtree(work)


def _instructions(asked: Asked, counts: Counts) -> Iterator[Instruction]:
    """Every source's instructions in the order of the configuration; calls are made on the way."""
    options = asked.config.instructions
    prompts, topic_list = read(options)
    rejected = [row for several in prompts.values() for row in several.rejected]
    rejected += topic_list.rejected if topic_list is not None else []
    counts.broken.update(row.reason for row in rejected)
    for name, source in options.sources.items():
        here = prompts[source.collection]
        if source.generate is None:
            found: Iterable[Instruction] = taken(name, source, here)
        else:
            job = writing(name, options, asked.config.seed, here, topic_list)
            found = _written(asked, job, counts)
        for instruction in found:
            counts.instructions[name] += 1
            yield instruction


def _written(asked: Asked, job: Writing, counts: Counts) -> Iterator[Instruction]:
    """The instructions a teacher writes for one source: waves of calls, then their answers in order."""
    number = 0
    while True:
        calls = list(job.wave())
        if not calls:
            break
        number += 1
        asked.ask(
            f"{job.name}, wave {number}",
            calls,
            len(calls),
            lambda call, outcome: job.take(call, outcome.answer),
        )
    yield from job.instructions(
        lambda calls: (
            (key, entry.answer if entry else None)
            for key, entry in asked.answers([(None, call.request) for call in calls])
        )
    )
    counts.repeats[job.name] = job.repeats
    counts.left_out[job.name] = job.examples.left_out
    counts.discarded.update(job.discarded)
    if job.written < job.wanted:
        counts.short[job.name] = (
            f"{job.written:,} of {job.wanted:,} instructions, {job.failed:,} calls failed"
        )


def ask_responses(asked: Asked, work: Path, counts: Counts) -> None:
    """Have every instruction of stage 1 answered; the answers stay in the log."""
    options, seed = asked.config.responses, asked.config.seed
    total = counts.instructions.total() * options.samples
    asked.ask(
        "responses",
        _Again(lambda: responses.requests(read_instructions(work), options, seed)),
        total,
        lambda *_: None,
    )


class _Again(Iterable[T]):
    """What can be gone through several times without being held."""

    def __init__(self, begin: Callable[[], Iterator[T]]) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[T]:
        return self._begin()


def write_pairs(asked: Asked, work: Path, folder: Path, counts: Counts) -> None:
    """Stage 2 on disk, in the order of stage 1: pairs, and beside them what has no response."""
    options, rows = asked.config.responses, asked.config.shard_rows
    kind, prices = asked.teacher.kind, asked.config.teacher.paid()
    requests = responses.requests(read_instructions(work), options, asked.config.seed)
    failures: list[dict[str, Any]] = []

    def answered() -> Iterator[dict[str, Any]]:
        for instruction, request, key, entry in asked.found(requests):
            reason = why_not(entry)
            if entry is not None and entry.answer is not None and reason is None:
                counts.pairs[instruction.source] += 1
                yield pair_row(instruction, request, key, kind, entry.answer, prices)
            else:
                counts.unanswered[str(reason).split(":")[0]] += 1
                failures.append({**instruction_row(instruction), "request": key, "reason": reason})

    with (
        ShardWriter(work, rows, "pairs") as pairs,
        ShardWriter(folder / "unanswered", rows, "unanswered", UNANSWERED) as unanswered,
    ):
        for batch in batches(answered(), PAIRS):
            pairs.write(batch)
            _drain(failures, unanswered.write)
        _drain(failures, unanswered.write)


def _drain(rows: list[dict[str, Any]], write: Callable[[Any], None]) -> None:
    for batch in batches(rows, UNANSWERED):
        write(batch)
    rows.clear()


def _curated(config: GenerateConfig, folder: Path, work: Path) -> dict[str, Any]:
    """Stage 3: the pairs that stay become the data set's shards."""
    seen = ""

    def progress(what: str, rows: int) -> None:
        nonlocal seen
        if what != seen:
            print(f"curation: {what} ...", flush=True)
        seen = what

    with (
        ShardWriter(folder, config.shard_rows) as kept,
        ShardWriter(folder / "dropped", config.shard_rows, "dropped", dropped_schema(PAIRS)) as dropped,
    ):
        pairs = lambda: read_batches(work, prefix="pairs")  # noqa: E731  (read twice)
        report = curate(pairs, config.curation, kept, dropped, work, progress)
    return report.as_dict()
