"""What generate.py does with the jobs of its line; imports nothing heavy before all of them are checked."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

import lamini.compose  # noqa: F401  its resolvers, for launchers whose jobs import only this module
from lamini import responses, runs
from lamini.analysis.command import check_diversity
from lamini.config import GenerateConfig
from lamini.curation import options as curation
from lamini.entry import Start
from lamini.errors import UserError
from lamini.instructions import checks
from lamini.runs import Job
from lamini.schema import typed
from lamini.students.locate import check_tokenizer
from lamini.teacher import money, pace
from lamini.teacher.stopping import Interruption, Stopped

STOPPED = 1
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
    if config.tokenizer is not None:
        check_tokenizer(config.tokenizer, "tokenizer")


def _check_numbers(config: GenerateConfig) -> None:
    for key in ("shard_rows", "dry_run_sample"):
        if (value := getattr(config, key)) < 1:
            raise UserError(f"{key}={value} must be at least 1")
    if config.seed < 0:
        raise UserError(f"seed={config.seed} must not be negative")


def job(config: DictConfig) -> None:
    """One job as Hydra's launcher calls it; what ends it early leaves a sentence and a status."""
    if max(_statuses, default=0) < 128:  # else a signal ended the job before, and it meant the sweep
        _statuses.append(_run(typed(config, GenerateConfig), Path(HydraConfig.get().runtime.output_dir)))


def _run(config: GenerateConfig, folder: Path) -> int:
    from lamini.generation import dry_run, stages

    interruption = Interruption()
    try:
        with interruption.listening(), runs.RunFolder(folder).locked():
            if config.dry_run:
                dry_run.price(config, interruption)
            else:
                stages.generate(config, folder, interruption)
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
