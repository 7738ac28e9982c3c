"""The end of a line of suite=latency: milliseconds of each student, the fastest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from lamini.evaluation.latency.busy import busy
from lamini.evaluation.latency.probe import read
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import NOTE, failures, labels, marked
from lamini.report import console

COLUMNS = {"token_ms": "ms a token", "first_ms": "ms to the first", "answer_ms": "ms an answer"}


def report(suite: str, subjects: Sequence[Subject], outcomes: Sequence[Outcome]) -> None:
    """Print the medians with the middle 90 %, and what failed."""
    names, out = labels(subjects), console()
    found = {
        marked(subject, names[subject]): record
        for subject, outcome in zip(subjects, outcomes, strict=True)
        if outcome.status != "failed" and (record := read(subject.result(suite)))
    }
    if found:
        first = next(iter(found.values()))
        out.print(view(found))
        where = first["hardware"]["processor"] or first["hardware"]["machine"]
        out.print(f"on {where}, {first['threads']} thread(s), batch 1, greedy", style="dim", markup=False)
    late = [name for name, record in found.items() if busy(record)]
    if late:
        told = f"the machine was busy while it timed {', '.join(late)}: force=true times again"
        out.print(told, soft_wrap=True, markup=False)
    if any(subject.scratch for subject in subjects):
        out.print(NOTE, style="dim")
    failures(outcomes, out)


def view(found: dict[str, dict[str, Any]]) -> Table:
    """One line a student: `4.2 (4.1-4.9)`."""
    table = Table(title="latency on the CPU", title_justify="left")
    table.add_column("student", overflow="fold")
    for head in COLUMNS.values():
        table.add_column(head, justify="right")
    for name, record in sorted(found.items(), key=lambda entry: entry[1]["token_ms"]["median"]):
        table.add_row(name, *(_shown(record[column]) for column in COLUMNS))
    return table


def _shown(one: dict[str, float]) -> str:
    return f"{one['median']:.3g} ({one['low']:.3g}-{one['high']:.3g})"
