"""A job where a cluster runs it: on the shared folder, with its own share of cores, here in this process."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from lamini.children import here
from lamini.config import TrainConfig
from lamini.errors import UserError
from lamini.launching.requeue import saved_first
from lamini.launching.ticket import VARIABLE, admit
from lamini.runs import RunFolder
from lamini.search.options import Trial


def enter(cwd: str) -> None:
    """Go where the driver stands, so that relative paths mean the same.

    Raises:
        UserError: there is no such folder here.
    """
    try:
        os.chdir(cwd)
    except OSError as error:
        host = socket.gethostname()
        raise UserError(f"{host} has no folder {cwd}, where the line was started; share it") from error


def train(
    cwd: str, threads: int, student: TrainConfig, folder: Path, number: int, total: int, trial: Trial | None
) -> None:
    """Train a student of a line that stands in `cwd`, on `threads` cores unless trainer.threads says more.

    Raises:
        UserError: the folder is not the driver's, other versions are installed here, or as fit.run does.
    """
    enter(cwd)
    ticket = admit(folder.parent, os.environ[VARIABLE])
    if student.trainer.threads is None:
        student = replace(student, trainer=replace(student.trainer, threads=threads))
    here("lamini.training.planning.plan", "check_machine", student)
    total = max(total, trial.search.n_trials if trial else len(ticket.jobs))
    here("lamini.training.fit", "run", student, folder, number, total, trial)


def train_on_ray(cwd: str, threads: int, student: TrainConfig, folder: Path, *rest: Any) -> None:
    """The same in a worker of Ray: where SIGTERM stops it, the process dies once the student has saved.

    Ray's own handler would end it before that. And a worker that returned would count as done, while one
    that died has its task tried again, here or on another node.
    """
    told: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, note)
    train(cwd, threads, student, folder, *rest)
    if told and RunFolder(folder).record().get("status") == "interrupted":
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def train_on_slurm(cwd: str, student: TrainConfig, folder: Path, *rest: Any) -> None:
    """The same in a SLURM job, on the cores it was given; what ends the job early lets the student save."""
    with saved_first():
        train(cwd, int(os.environ["SLURM_CPUS_ON_NODE"]), student, folder, *rest)
