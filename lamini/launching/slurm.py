"""hydra/launcher=slurm on the driver: submit what is left to do as one array, follow it to its end.

hydra-submitit-launcher's own `launch` submits everything, also what is done or still queued, and raises at
the first job that was killed. Its job (composing, running, what is pickled) is used as it is; which jobs are
submitted and how long they are waited for is decided here, from the run folders and SLURM's queue.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from lamini.launching import submitting
from lamini.launching.following import Ended, follow, seen
from lamini.launching.jobs import composed
from lamini.launching.line import finished
from lamini.launching.options import Slurm, launcher_of
from lamini.launching.slurm_commands import Task, queued
from lamini.launching.ticket import VARIABLE, Ticket, issue, tickets
from lamini.runs import Job
from lamini.search.options import trial_of


def launch(given: dict[str, Any], job_overrides: Sequence[Sequence[str]], first: int) -> Sequence[JobReturn]:
    """Run the jobs of a sweep on the cluster; how each ended stands in its run folder."""
    launcher = launcher_of(given["config"].hydra.launcher)
    assert isinstance(launcher, Slurm)
    options = launcher.options
    folder = Path(given["config"].hydra.sweep.dir)
    jobs, followed = list(composed(given, job_overrides, first)), waiting(folder)
    left = [
        (number, words, job.folder.name)
        for number, ((config, job), words) in enumerate(zip(jobs, job_overrides, strict=True), first)
        if _left(config, job, followed)
    ]
    if left:
        _submit(options, given, folder, left)
    _follow(folder, {job.folder.name for _, job in jobs}, options)
    return [JobReturn(status=JobStatus.COMPLETED) for _ in jobs]  # run.json tells how they ended


def _left(config: DictConfig, job: Job, followed: dict[str, Task]) -> bool:
    """Whether the job is to be submitted; says why not."""
    name = job.folder.name
    if name in followed:
        print(f"{name}: queued by an earlier start of the line ({followed[name].id}), followed", flush=True)
    elif finished(job.folder, job.config, trial_of(config.hydra.sweeper)):
        print(f"{name}: done already, skipped", flush=True)
    else:
        return True
    return False


def waiting(folder: Path) -> dict[str, Task]:
    """Runs of the sweep `folder` that wait or run on the cluster, by name."""
    sent = {ticket.id: ticket for ticket in _sent(folder)}
    return {sent[id].jobs[place]: task for (id, place), task in queued(sent.values()).items()}


def _sent(folder: Path) -> list[Ticket]:
    return [ticket for ticket in tickets(folder) if ticket.launcher == "slurm"]


Left = tuple[int, Sequence[str], str]
"""Hydra's number of a job, its overrides, the name of its run folder."""


def _submit(options: dict[str, Any], given: dict[str, Any], folder: Path, left: list[Left]) -> None:
    """One array, whose tasks carry the line's ticket.

    Raises:
        SystemExit: sbatch refused; its words are printed.
    """
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    ticket = issue(folder, "slurm", [run for _, _, run in left])
    plugin = SlurmLauncher(**options)
    plugin.setup(**given)
    state = Singleton.get_state()
    badge = f"++hydra.job.env_set.{VARIABLE}='{ticket.badge}'"
    calls = [([*words, badge], "hydra.sweep.dir", number, run, state) for number, words, run in left]
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
        if ids := " ".join(task.id for task in (seen(look) or {}).values()):
            print(f"The cluster goes on with what it has; to save and end that: scancel {ids}", flush=True)
        raise
    still = seen(lambda: waiting(folder))
    for ticket in _sent(folder):
        if still is not None and not still.keys() & {*ticket.jobs}:
            ticket.path(folder).unlink(missing_ok=True)
