"""What a line that searches does before and after its trials."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamini.config import Mode
from lamini.report import duration
from lamini.runs import Job
from lamini.search import summary
from lamini.search.space import Question


@contextmanager
def held(jobs: Sequence[Job]) -> Iterator[None]:
    """The folder of the search is ours while it runs, and the file of the study can be used.

    Raises:
        UserError: the folder is another search's or another process's, or the file is no study.
    """
    question = jobs[0].search
    if question is None or jobs[0].config.mode is not Mode.train:
        yield
        return
    from lamini.search.study import opened

    with summary.held(jobs[0]):
        opened(question.search)
        yield


def planned(jobs: Sequence[Job]) -> list[Job]:
    """Of what a plan is made: one job a student, since trials that differ by values take about as long."""
    if jobs[0].search is None:
        return list(jobs)
    students = {f"{job.config.family.name}-{job.config.size.name}": job for job in reversed(jobs)}
    return [replace(job, folder=job.folder / f"{name},trial") for name, job in reversed(students.items())]


def at_once(jobs: Sequence[Job]) -> int:
    """Students of a line that may train at the same time."""
    return len(jobs) if jobs[0].search is None else jobs[0].search.search.n_jobs


def told(question: Question, forecasts: Sequence[Any]) -> str:
    """What is said under the plan: `12 trials over batch_size by validation_loss; about 8 min ...`."""
    keys = ", ".join(dimension.key.lstrip("+~") for dimension in question.dimensions)
    mean = sum(item.seconds for item in forecasts) / len(forecasts)
    trials = question.search.n_trials
    return (
        f"search: {trials} trials over {keys} by {question.search.metric}; about {duration(trials * mean)}"
        " one after the other, less with pruning"
    )


def folders(jobs: Sequence[Job]) -> list[Path]:
    """The run folders of a line: of a search those of its trials so far, the best first."""
    if jobs[0].search is None:
        return [job.folder for job in jobs]
    place = jobs[0].folder
    rows = summary.read(place).get("trials", [])
    return [place / row["run"] for row in rows if row["run"]]


def best(jobs: Sequence[Job], line: Sequence[str]) -> str | None:
    """The best trial of a search as a line of its own; None where there is none yet."""
    if jobs[0].search is None:
        return None
    rows = summary.read(jobs[0].folder).get("trials", [])
    if not rows or rows[0]["state"] != "complete":
        return None
    values, metric = rows[0]["values"], jobs[0].search.search.metric
    kept = [word for word in line if not _of_the_search(word, set(values))]
    last = {word.partition("=")[0]: word for word in kept}
    preset = jobs[0].search.search.params  # of an experiment, which chooses the sweeper too
    same = [f"{key}={value}" for key, value in preset.items() if key not in {*values, *last}]
    basic = [] if any("hydra/sweeper=" in word for word in line) else ["hydra/sweeper=basic"]
    words = shlex.join([*last.values(), *basic, *same, *(f"{key}={value}" for key, value in values.items())])
    return f"best: trial {rows[0]['trial']}, {metric} {rows[0][metric]:.4f}; alone it is\n  {words}"


def _of_the_search(word: str, keys: set[str]) -> bool:
    """Whether a student alone has no use for the word: without -m there is neither sweeper nor launcher."""
    key = word.partition("=")[0].lstrip("+~")
    return word in ("-m", "--multirun") or key in keys or bool(re.match(r"hydra[./](sweep|launcher)", key))
