"""Scripts that do one job with their line: rate.py, compare.py, chat.py, export.py.

Hydra calls the job, and would show what it raises as a traceback with status 1: its status is kept here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig

from lamini.entry import Start
from lamini.errors import UserError
from lamini.runs import Job
from lamini.schema import typed


class Single:
    """One script: `check` looks at its configuration early, `run` does the job and returns its status."""

    def __init__(
        self,
        script: str,  # rate.py
        schema: type,
        check: Callable[[Any], object],
        run: Callable[[Any], int],
        several: str,  # what to do in place of -m
        interrupted: str,  # what Ctrl-C leaves; "": nothing to say
    ) -> None:
        self.script, self.schema, self.several, self.interrupted = script, schema, several, interrupted
        self.check, self.run = check, run
        self.line: list[str] = []  # as it was typed
        self.status = 0

    def starter(self) -> Start:
        """What the entry calls with the jobs of a line."""
        return self.start

    def start(self, main: Callable[[], Any], jobs: list[Job], *, multirun: bool, line: list[str]) -> int:
        """Check the job, then run it through Hydra; returns the exit status.

        Raises:
            UserError: anything that would stop it and can be known beforehand, or several jobs.
        """
        if multirun:
            raise UserError(self.several)
        self.check(jobs[0].config)
        self.line, self.status = list(line), 0
        main()
        return self.status

    def job(self, config: DictConfig) -> None:
        """The job as Hydra's launcher calls it; a mistake leaves a sentence and a status."""
        try:
            self.status = self.run(typed(config, self.schema))
        except UserError as error:
            print(f"{self.script}: {error}", file=sys.stderr, flush=True)
            self.status = 2
        except KeyboardInterrupt:
            if self.interrupted:
                print(f"{self.script}: interrupted; {self.interrupted}", file=sys.stderr, flush=True)
            self.status = 130
