"""What is about to be done, said before the first student: tasks, and which of them each student lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.benchmarks.prepared import PreparedSuite, prepare
from lamini.evaluation.benchmarks.scoring import Case
from lamini.evaluation.options import Benchmarks
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import labels, marked
from lamini.report import console


def plan(suite: Benchmarks, config: EvaluateConfig, subjects: Sequence[Subject]) -> None:
    """Print tasks with their rows, and what of them stands in the students' results.

    Raises:
        UserError: not one task of the suite can be loaded.
    """
    print(f"loading {len(suite.chosen())} task(s) ...", flush=True)
    prepared = prepare(suite, config)
    if not prepared.tasks:
        raise UserError(
            f"suite={suite.name}: not one task can be loaded; "
            + "; ".join(f"{name}: {why}" for name, why in prepared.failed.items())
        )
    out = console()
    rows = sum(task.size for task in prepared.tasks.values())
    limit = suite.rows(config)
    first = f", the first {limit:,} of each: a part is no score" if config.limit else ""
    out.print(f"suite {suite.name}: {len(prepared.tasks)} task(s), {rows:,} rows{first}", style="dim")
    view = Table(title="Plan", title_justify="left")
    view.add_column("student", overflow="fold")
    for column in ("wrapper", "done", "to do"):
        view.add_column(column, justify="right" if column == "done" else "left")
    for subject, name in labels(subjects).items():
        for line in _lines(suite, config, subject, prepared):
            view.add_row(marked(subject, name), *line)
    out.print(view)
    for name, why in prepared.failed.items():
        out.print(f"left out  {name}: {why}", style="yellow", soft_wrap=True, markup=False)


def _lines(
    suite: Benchmarks, config: EvaluateConfig, subject: Subject, prepared: PreparedSuite
) -> list[tuple[str, str, str]]:
    """wrapper, tasks done, tasks to do; what stands in the way of a student is told when its turn comes."""
    if subject.obstacle:
        return [("", "", f"nothing: {subject.obstacle}")]
    if not _here(subject):
        return [("", "", f"{len(prepared.tasks)} tasks, after it is fetched from the hub")]
    try:
        case = Case(suite, config, subject)
        pending = case.pending(prepared)
    except UserError as error:
        return [("", "", f"nothing: {error}")]
    lines = []
    for wrapper, tasks in pending.items():
        names = ", ".join(task.name for task in tasks[:4]) + (", ..." if len(tasks) > 4 else "")
        todo = f"{len(tasks)}: {names}" if tasks else "nothing"
        lines.append((wrapper, str(len(prepared.tasks) - len(tasks)), todo))
    return lines


def _here(subject: Subject) -> bool:
    return Path(subject.source).is_dir()
