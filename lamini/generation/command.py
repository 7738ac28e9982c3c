"""What generate.py does with the jobs of its line; imports nothing heavy before all of them are checked."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

import lamini.compose  # noqa: F401  its resolvers, for launchers whose jobs import only this module
from lamini import responses, runs
from lamini.analysis.command import check_diversity
from lamini.config import GenerateConfig
from lamini.curation import options as curation
from lamini.entry import Start
from lamini.errors import UserError
from lamini.generation import spreading
from lamini.instructions import checks
from lamini.launching.options import launcher_of
from lamini.runs import Job
from lamini.schema import typed
from lamini.stores import publishing
from lamini.students.locate import check_tokenizer
from lamini.teacher import money, pace
from lamini.teacher.options import Replay
from lamini.teacher.stopping import Interruption, Stopped
from lamini.workers import crews

STOPPED = 1
PRELOAD = ["lamini.generation.share"]
TEACHERS = {  # what a worker imports before it begins
    "OpenAI": "lamini.teacher.openai_compatible",
    "Transformers": "lamini.teacher.local",
    "Oracle": "lamini.teacher.embedded",
}
_statuses: list[int] = []  # of the jobs of this line: Hydra's launcher calls them one by one


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
    for one in jobs:
        if crews.wanted(one.launcher, one.config.workers, multirun):
            _check_workers(one.config)
    for one in jobs:
        runs.ensure_writable(one.folder, "paths.output_dir")
        runs.ensure_writable(Path(one.config.log).expanduser().parent, "log")
    _statuses.clear()
    main()
    return max(_statuses, default=0)


def check(config: GenerateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    _check_numbers(config)
    pace.check(config.limits)
    checks.check(config.instructions)
    responses.check(config.responses)
    curation.check(config.curation)
    config.teacher.check()
    money.check(config.budget.usd, config.teacher.paid())
    check_diversity(config.diversity)
    if config.store is not None:
        publishing.check(config.store)
    if config.tokenizer is not None:
        check_tokenizer(config.tokenizer, "tokenizer")


def _check_workers(config: GenerateConfig) -> None:
    """Refuse what several cannot do better than one."""
    if getattr(config.teacher, "batch", False):
        raise UserError(
            f"workers={config.workers}: teacher.batch=true sends whole files itself; leave out workers"
        )
    if isinstance(config.teacher, Replay):
        raise UserError(f"workers={config.workers}: teacher=replay asks nobody; leave out workers")
    spreading.check(config.limits, config.workers)


def _check_numbers(config: GenerateConfig) -> None:
    for key in ("shard_rows", "dry_run_sample"):
        if (value := getattr(config, key)) < 1:
            raise UserError(f"{key}={value} must be at least 1")
    if config.seed < 0:
        raise UserError(f"seed={config.seed} must not be negative")


def job(config: DictConfig) -> None:
    """One job as Hydra's launcher calls it; what ends it early leaves a sentence and a status."""
    if max(_statuses, default=0) < 128:  # else a signal ended the job before, and it meant the sweep
        hydra = HydraConfig.get()
        told, launcher = typed(config, GenerateConfig), launcher_of(hydra.launcher)
        crew = None
        if crews.wanted(launcher, told.workers, hydra.mode == RunMode.MULTIRUN) and not told.dry_run:
            crew = crews.crew_of(launcher, told.workers, [*PRELOAD, TEACHERS[type(told.teacher).__name__]])
        _statuses.append(_run(told, Path(hydra.runtime.output_dir), crew))


def _run(config: GenerateConfig, folder: Path, crew: crews.Crew | None) -> int:
    from lamini.data.shards import MANIFEST
    from lamini.generation import dry_run, stages

    interruption = Interruption()
    try:
        with interruption.listening(), runs.RunFolder(folder).locked():
            if config.dry_run:
                dry_run.price(config, interruption)
            else:
                stages.generate(config, folder, interruption, crew)
                if config.store is not None:
                    publishing.publish(folder, config.store, MANIFEST)
        return 0
    except UserError as error:
        print(f"{folder.name}: {error}", file=sys.stderr, flush=True)
        return 2
    except Stopped as error:
        print(f"{folder.name}: {error}", file=sys.stderr, flush=True)
        return STOPPED if interruption.number is None else 128 + interruption.number
    except KeyboardInterrupt:
        print(f"{folder.name}: interrupted; the same line continues", file=sys.stderr, flush=True)
        return 128 + (interruption.number or signal.SIGINT)
