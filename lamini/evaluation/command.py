"""What evaluate.py does with the jobs of its line; imports nothing heavy before all of them are checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig

import lamini.compose  # noqa: F401  its resolvers, for launchers whose jobs import only this module
from lamini.config import EvaluateConfig, EvaluateMode
from lamini.entry import Start
from lamini.evaluation.hub import stay_offline
from lamini.evaluation.prefetching import collecting
from lamini.evaluation.subjects import subjects
from lamini.runs import Job
from lamini.schema import typed

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
    _statuses.clear()
    main()
    return max(_statuses, default=0)


def check(config: EvaluateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    if config.mode is EvaluateMode.prefetch:
        collecting.check(config)
        return
    if config.data_dir is not None:
        stay_offline()
    config.suite.check(config)
    subjects(config)


def job(config: DictConfig) -> None:
    """One job as Hydra's launcher calls it."""
    from lamini.evaluation.running import evaluate

    _statuses.append(evaluate(typed(config, EvaluateConfig)))
