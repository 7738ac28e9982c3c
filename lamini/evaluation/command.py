"""What evaluate.py does with the jobs of its line; imports nothing heavy before all of them are checked.

The students of a job are scored in one child process (lamini/children.py), so that they share what is loaded
and a killed one takes nobody along. Launchers that bring a process of their own score in that.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

import lamini.compose  # noqa: F401  its resolvers, for launchers whose jobs import only this module
from lamini.children import Children, Died, here
from lamini.config import EvaluateConfig, EvaluateMode
from lamini.entry import Start
from lamini.errors import UserError
from lamini.evaluation.hub import stay_offline
from lamini.evaluation.prefetching import collecting
from lamini.evaluation.running import evaluate
from lamini.evaluation.subjects import subjects
from lamini.launching.options import Local, launcher_of
from lamini.runs import Job, ensure_writable
from lamini.schema import typed
from lamini.students.prompts import WRAPPERS
from lamini.workers import crews

CHOICES = {
    "wrapper": ("auto", "both", *WRAPPERS),
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("auto", "fp32", "bf16"),
}
PRELOAD = ["torch", "transformers", "lm_eval.evaluator"]


class Line(Children):
    """What the command line of this process is doing: shared by the jobs that Hydra calls one by one."""

    statuses: list[int]


LINE = Line(PRELOAD)
LINE.statuses = []


def starter() -> Start:
    """What the entry calls with the jobs of a line."""
    return start


def start(main: Callable[[], Any], jobs: list[Job], *, multirun: bool, line: list[str]) -> int:
    """Check every job, then run them through Hydra one after the other; returns the exit status.

    Raises:
        UserError: anything that would stop one of the jobs and can be known beforehand.
    """
    for one in jobs:
        check(one.config)
    crews.check(jobs, multirun)
    LINE.statuses = []
    try:
        with LINE.signals():
            main()
    except KeyboardInterrupt:
        if not LINE.stopped_by:
            raise
    if LINE.stopped_by:
        print(f"Stopped. Continue with: {shlex.join(line)}", flush=True)
        return 128 + LINE.stopped_by
    return max(LINE.statuses, default=0)


def check(config: EvaluateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    for key, known in CHOICES.items():
        if (value := getattr(config, key)) not in known:
            raise UserError(f"{key}={value} is unknown; it can be {' '.join(known)}")
    for key, least in (("limit", 1), ("batch_tokens", 1), ("threads", 1), ("seed", 0)):
        if (value := getattr(config, key)) is not None and value < least:
            raise UserError(f"{key}={value} must be at least {least}")
    if not config.name or Path(config.name).name != config.name or config.name in (".", ".."):
        raise UserError(f"name={config.name} must be the name of a folder under paths.output_dir")
    if config.mode is EvaluateMode.prefetch:
        collecting.check(config)
        return
    if config.data_dir is not None:
        stay_offline()
    config.suite.check(config)
    for folder in {subject.folder for subject in subjects(config)}:
        ensure_writable(folder / "evaluation", "paths.output_dir")
    ensure_writable(Path(config.paths.cache_dir), "paths.cache_dir")


def job(config: DictConfig) -> None:
    """One job as Hydra's launcher calls it; what a student cannot do leaves a status, no exception."""
    hydra = HydraConfig.get()
    if LINE.stopped_by:
        return
    own_process = hydra.mode == RunMode.MULTIRUN and not isinstance(launcher_of(hydra.launcher), Local)
    call = here if own_process else LINE.call
    told, launcher = typed(config, EvaluateConfig), launcher_of(hydra.launcher)
    crew = None
    if crews.wanted(launcher, told.workers, hydra.mode == RunMode.MULTIRUN):
        crew = crews.crew_of(launcher, told.workers, PRELOAD)
    try:
        fetching = told.mode is EvaluateMode.prefetch
        LINE.statuses.append(collecting.prefetch(told) if fetching else evaluate(told, call, crew))
    except UserError as error:  # of the whole job: task data that is nowhere, a full disk
        print(f"evaluate.py: {error}", file=sys.stderr, flush=True)
        LINE.statuses.append(2)
    except (Died, KeyboardInterrupt) as error:  # Hydra would print a traceback
        LINE.statuses.append(1)
        if not LINE.stopped_by:
            print(
                f"evaluate.py: {error or 'interrupted'}; the same line continues", file=sys.stderr, flush=True
            )
