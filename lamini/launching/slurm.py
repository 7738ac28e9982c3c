"""hydra/launcher=slurm on the driver: submit what is left to do as one array, follow it to its end.

hydra-submitit-launcher's own `launch` submits everything, also what is done or still queued, and raises at
the first job that was killed. Its job (composing, running, what is pickled) is used as it is; which jobs are
submitted and how long they are waited for is decided here, from the run folders and SLURM's queue.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import open_dict

from lamini.config import TrainConfig
from lamini.launching import submitting
from lamini.launching.following import Ended, follow
from lamini.launching.slurm_commands import Task, queued
from lamini.launching.ticket import VARIABLE, issue, tickets
from lamini.runs import RunFolder, State
from lamini.schema import typed


@dataclass(frozen=True)
class Student:
    """One job of the sweep: Hydra's number and overrides, and its run folder."""

    number: int
    overrides: list[str]
    folder: Path
    config: TrainConfig

    @property
    def name(self) -> str:
        """Its run folder's."""
        return self.folder.name


def launch(
    options: dict[str, Any], given: dict[str, Any], job_overrides: Sequence[Sequence[str]], first: int
) -> Sequence[JobReturn]:
    """Run the jobs of a sweep on the cluster; how each ended stands in its run folder."""
    folder = Path(given["config"].hydra.sweep.dir)
    students = [_student(given, first + place, words) for place, words in enumerate(job_overrides)]
    followed = waiting(folder)
    left = [one for one in students if one.name not in followed and not _done(one)]
    names = {one.name for one in students}
    for name in sorted(names & followed.keys()):
        print(f"{name}: queued by an earlier start of the line ({followed[name].id}), followed", flush=True)
    if left:
        _submit(options, given, folder, left)
    _follow(folder, names, options)
    return [JobReturn(overrides=words, status=JobStatus.COMPLETED) for words in job_overrides]


def _student(given: dict[str, Any], number: int, words: Sequence[str]) -> Student:
    composed = given["hydra_context"].config_loader.load_sweep_config(given["config"], list(words))
    with open_dict(composed):
        composed.hydra.job.num = composed.hydra.job.id = number
    folder = Path(composed.hydra.sweep.dir) / composed.hydra.sweep.subdir
    return Student(number, list(words), folder, typed(composed, TrainConfig))


def _done(one: Student) -> bool:
    done = RunFolder(one.folder).state(one.config) is State.done
    if done:
        print(f"{one.name}: done already, skipped", flush=True)
    return done


def waiting(folder: Path) -> dict[str, Task]:
    """Runs of the sweep `folder` that wait or run on the cluster, by name."""
    sent = {ticket.id: ticket for ticket in tickets(folder) if ticket.launcher == "slurm"}
    return {sent[id].jobs[place]: task for (id, place), task in queued(sent.values()).items()}


def _submit(options: dict[str, Any], given: dict[str, Any], folder: Path, left: list[Student]) -> None:
    """One array, whose tasks carry the line's ticket.

    Raises:
        SystemExit: sbatch refused; its words are printed.
    """
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    ticket = issue(folder, "slurm", [one.name for one in left])
    plugin = SlurmLauncher(**options)
    plugin.setup(**given)
    state = Singleton.get_state()
    calls = [
        ([*one.overrides, f"++hydra.job.env_set.{VARIABLE}='{ticket.badge}'"], "hydra.sweep.dir", one.number,
         one.name, state)
        for one in left
    ]  # fmt: skip
    name = f"{options['name']}-{ticket.id}"
    try:
        jobs = submitting.executor(options, name).map_array(plugin, *zip(*calls, strict=True))
    except (FailedJobError, FailedSubmissionError, OSError) as error:
        ticket.path(folder).unlink()
        print(f"slurm: nothing was submitted: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None
    array = str(jobs[0].job_id).partition("_")[0]
    print(f"slurm: job {array} ({name}), {len(left)} student(s); logs: {folder}/.submitit", flush=True)


def _follow(folder: Path, names: set[str], options: dict[str, Any]) -> None:
    """Until all of `names` have ended; whoever stops following is told how to end them."""
    explain = Ended(folder, options["submitit_folder"])

    def look() -> dict[str, Task]:
        return {name: task for name, task in waiting(folder).items() if name in names}

    def ended(name: str, task: Task) -> None:
        if why := explain(name, task):
            print(f"{name}: {why}", file=sys.stderr, flush=True)

    try:
        follow(look, ended)
    except KeyboardInterrupt:
        ids = " ".join(task.id for task in look().values())
        if ids:
            print(
                f"The cluster goes on with what was submitted; to save and end it: scancel {ids}", flush=True
            )
        raise
    for ticket in [*tickets(folder)]:
        if not set(ticket.jobs) & waiting(folder).keys():
            ticket.path(folder).unlink(missing_ok=True)
