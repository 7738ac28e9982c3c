"""Students asked by workers before they are scored: a unit is one task of one student, or its whole suite.

    units -> workers, each with files of its own -> merged into the stores -> scored as ever

What is scored afterwards is scored by one process from what the stores hold, as without workers; so the same
files come out, and what a worker could not ask fails there in the same words. What workers of an interrupted
line have asked is merged by the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamini.children import cores
from lamini.config import EvaluateConfig
from lamini.evaluation.filled import Asked
from lamini.evaluation.subjects import Subject
from lamini.workers.board import Task
from lamini.workers.crews import Crew
from lamini.workers.leftovers import take_over
from lamini.workers.local import LocalCrew
from lamini.workers.pool import Pool

ENDING = 10.0  # seconds in which a worker has kept what it had asked
UNITS = "lamini.evaluation.units"


def ask_beforehand(
    config: EvaluateConfig, found: Sequence[Subject], call: Callable[..., Any], crew: Crew | None
) -> Asked:
    """Have the workers of a crew ask all units; names of the stores that they filled.

    Raises:
        UserError: no worker can begin, or a store cannot be written.
    """
    boards = Path(config.paths.cache_dir).expanduser() / "evaluation.workers"
    take_over(boards, ENDING, lambda folder: _taken_over(config, folder, call))
    if crew is None:
        return {}
    units = config.suite.units()
    if not units:
        print(f"suite={config.suite.name} needs a machine for itself: no workers", flush=True)
        return {}
    whole = [subject for subject in found if not subject.obstacle]
    with Pool(crew, boards, config.workers, ENDING) as pool:
        asked = _asked(_of_a_worker(config, crew), whole, units, pool)
        pool.close()
        call(UNITS, "merge", config, pool.folder, config.force)
        if not pool.troubled:
            pool.remove()
    return asked


def _taken_over(config: EvaluateConfig, folder: Path, call: Callable[..., Any]) -> None:
    """Keep what the workers of an interrupted line had asked."""
    found = call(UNITS, "merge", config, folder, False)
    print(f"{found:,} answers that workers of an earlier line had asked for are kept", flush=True)


def _asked(config: EvaluateConfig, found: Sequence[Subject], units: Sequence[str], pool: Pool) -> Asked:
    names = [(subject, unit) for subject in found for unit in units]
    tasks = [
        Task(UNITS, "ask", (config, subject, unit), group)
        for group, subject in enumerate(found)
        for unit in units
    ]
    print(f"{len(tasks)} units for {config.workers} worker(s) {pool.crew.where}", flush=True)
    asked: dict[str, Any] = {}
    for done, (number, result) in enumerate(pool.run(tasks), start=1):
        subject, unit = names[number]
        what = f"[{done}/{len(tasks)}] {', '.join(filter(None, (subject.name, unit)))}"
        if result.error is None:
            asked |= result.value
            print(f"{what}: asked", flush=True)
        else:
            print(f"{what}: {result.error}", file=sys.stderr, flush=True)
    return asked


def _of_a_worker(config: EvaluateConfig, crew: Crew) -> EvaluateConfig:
    """The configuration of one: workers of this machine share its cores."""
    if config.threads is not None or not isinstance(crew, LocalCrew):
        return config
    return replace(config, threads=max(1, cores() // config.workers))
