"""The end of a line: one table of all students that have results, remarks, and why the others have none."""

from __future__ import annotations

from collections.abc import Sequence

from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import failures
from lamini.evaluation.toxicity.probe import read
from lamini.evaluation.toxicity.table import remarks, table
from lamini.report import console


def report(suite: str, subjects: Sequence[Subject], outcomes: Sequence[Outcome]) -> None:
    """Print what came of the line; texts stay in the Parquet files."""
    succeeded = [
        subject for subject, outcome in zip(subjects, outcomes, strict=True) if outcome.error is None
    ]
    results = [result for subject in succeeded if (result := read(subject, suite)) is not None]
    out = console()
    if results:
        out.print(table(results))
    for line in remarks(results):
        out.print(line, soft_wrap=True, markup=False)
    failures(outcomes, out)
    for subject in succeeded:
        out.print(
            f"{subject.result(suite).with_suffix('.parquet')}: texts and scores; offensive",
            soft_wrap=True,
            markup=False,
        )
