"""What export.py does with its line: students to formats and to the hub, and a table of what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig

from lamini.config import ExportConfig
from lamini.entry import Start
from lamini.errors import UserError
from lamini.exporting.checks import check, work
from lamini.exporting.hub import check_repositories
from lamini.runs import Job
from lamini.schema import typed

_statuses: list[int] = []  # of the one job of a line, which Hydra calls


def starter() -> Start:
    """What the entry calls with the jobs of a line."""
    return start


def start(main: Callable[[], Any], jobs: list[Job], *, multirun: bool, line: list[str]) -> int:
    """Check the job, then run it through Hydra; returns the exit status.

    Raises:
        UserError: anything that would stop it and can be known beforehand, or several jobs.
    """
    if multirun:
        raise UserError("export.py takes several students and targets in one line: leave out -m, to='[a,b]'")
    check(jobs[0].config)
    _statuses.clear()
    main()
    return max(_statuses, default=0)


def job(config: DictConfig) -> None:
    """The job as Hydra's launcher calls it; a mistake leaves a sentence and a status."""
    try:
        _statuses.append(run(typed(config, ExportConfig)))
    except UserError as error:
        print(f"export.py: {error}", file=sys.stderr, flush=True)
        _statuses.append(2)
    except KeyboardInterrupt:
        print("export.py: interrupted; the same line continues", file=sys.stderr, flush=True)
        _statuses.append(130)


def run(config: ExportConfig) -> int:
    """Export everything; 1 where something failed.

    Raises:
        UserError: nothing can be exported.
    """
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    from lamini.exporting.running import export_all, report

    disable_progress_bar()
    set_verbosity_error()
    todo = work(config, lambda sentence: print(sentence, flush=True))
    if pushed := [subject for subject, target in todo if target == "hub"]:
        check_repositories(str(config.hub.repo), pushed)
    found = export_all(config, todo)
    report(found)
    return 1 if any(one.status == "failed" for one in found) else 0
