"""The table at the end of any suite: one line a student, and why what failed did."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.report import console

SCRATCH = " *"  # behind the name of a student that began from random weights
NOTE = "* began from random weights"


def table(title: str, subjects: Sequence[Subject], outcomes: Sequence[Outcome]) -> None:
    """Numbers in percent where they are shares; then every failure in a line of its own."""
    columns = list(dict.fromkeys(name for outcome in outcomes for name in outcome.numbers))
    view = Table(title=title, title_justify="left")
    view.add_column("student", overflow="fold")
    view.add_column("status")
    for column in columns:
        view.add_column(column, justify="right")
    names = labels(subjects)
    for subject, outcome in zip(subjects, outcomes, strict=True):
        values = (number(outcome.numbers.get(column)) for column in columns)
        view.add_row(marked(subject, names[subject]), outcome.status, *values)
    out = console()
    out.print(view)
    if any(subject.scratch for subject in subjects):
        out.print(NOTE, style="dim")
    failures(outcomes, out)


def failures(outcomes: Sequence[Outcome], out: Console) -> None:
    """Why students and parts of them failed; what every student has in common is said once."""
    parts: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.error:
            out.print(f"failed  {outcome.name}: {outcome.error}", soft_wrap=True, markup=False)
        for part in outcome.failed.items():
            parts.setdefault(part, []).append(outcome.name)
    for (what, why), names in parts.items():
        who = "every student" if len(names) == len(outcomes) > 1 else ", ".join(names)
        out.print(f"failed  {who}, {what}: {why}", soft_wrap=True, markup=False)


def labels(subjects: Sequence[Subject]) -> dict[Subject, str]:
    """Names that tell them apart: with their folder's where two herds have runs of one name."""
    names = [subject.name for subject in subjects]
    return {
        subject: subject.name
        if names.count(subject.name) == 1
        else f"{subject.folder.parent.name}/{subject.name}"
        for subject in subjects
    }


def marked(subject: Subject, name: str) -> str:
    """Its name, and the mark of those that began from random weights."""
    return name + SCRATCH if subject.scratch else name


def number(value: float | None) -> str:
    """A share in percent, anything else as it is: 0.513 -> 51.3, 14.2 -> 14.2, None -> nothing."""
    if value is None:
        return ""
    return f"{100 * value:.1f}" if 0 <= value <= 1 else f"{value:.4g}"
