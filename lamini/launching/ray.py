"""hydra/launcher=ray on the driver: a task for each student that is left, followed until all have ended.

hydra-ray-launcher runs the job in its task. Its own loop gives up at the first worker that is lost for good,
and on a cluster that exists it passes what Ray refuses there; both stand here instead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from lamini.errors import UserError
from lamini.launching.jobs import composed
from lamini.launching.line import LINE, finished
from lamini.launching.options import Ray, launcher_of
from lamini.launching.ray_cluster import described, remote_of
from lamini.launching.ticket import VARIABLE, Ticket, issue
from lamini.runs import Job
from lamini.search.options import trial_of

FLUSH = 0.5  # seconds after which what workers have printed has arrived, as Ray's own shutdown has it


def launch(given: dict[str, Any], job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
    """Run the jobs of a sweep on the cluster that the check has connected to."""
    setup_globals()
    launcher = launcher_of(given["config"].hydra.launcher)
    assert isinstance(launcher, Ray)
    jobs = list(composed(given, job_overrides, first))
    ticket = issue(Path(given["config"].hydra.sweep.dir), launcher.name, [job.folder.name for _, job in jobs])
    print(described(launcher), flush=True)
    tasks: dict[Any, str] = {}
    try:
        for config, job in jobs:
            if finished(job.folder, job.config, trial_of(config.hydra.sweeper)):
                print(f"{job.folder.name}: done already, skipped", flush=True)
            else:
                tasks[_submit(given, launcher, job, config, ticket)] = job.folder.name
        _follow(tasks)
    except KeyboardInterrupt:
        _cancel(tasks)
    finally:
        ticket.path(Path(given["config"].hydra.sweep.dir)).unlink(missing_ok=True)
    time.sleep(FLUSH)
    return [JobReturn(status=JobStatus.COMPLETED) for _ in jobs]  # run.json tells how they ended


def _submit(given: dict[str, Any], launcher: Ray, job: Job, config: DictConfig, ticket: Ticket) -> Any:
    """The reference to its task."""
    from hydra_plugins.hydra_ray_launcher._launcher_util import launch_job_on_ray

    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.sweep.dir = str(Path(config.hydra.sweep.dir).absolute())
        config.hydra.job.env_set = {**config.hydra.job.env_set, VARIABLE: ticket.badge}
    remote = OmegaConf.create({**remote_of(launcher, job.config), "name": job.folder.name})
    return launch_job_on_ray(
        given["hydra_context"], remote, config, given["task_function"], Singleton.get_state()
    )


def _follow(tasks: dict[Any, str]) -> None:
    """Until all have ended; says of those that could not."""
    import ray

    left = list(tasks)
    while left:
        ready, left = ray.wait(left)
        for task in ready:
            if problem := _problem(task):
                print(f"{tasks[task]}: {problem}", file=sys.stderr, flush=True)


def _problem(task: Any) -> str:
    """Why a task that has ended did not run its job; "" where it did, or has said so itself."""
    import ray
    from ray import exceptions

    try:
        if ray.get(task).return_value:  # a sentence that its worker has printed
            LINE.failed = True
        return ""
    except exceptions.TaskCancelledError:
        return ""
    except exceptions.RayTaskError as error:
        found = f"{type(error.cause).__name__}: {error.cause}"
    except exceptions.RayError as error:
        found = f"Ray lost its worker too often ({type(error).__name__}); the same line continues it"
    except Exception as error:  # of the job itself
        found = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    LINE.failed = True
    return found


def _cancel(tasks: dict[Any, str]) -> None:
    """Each student saves and stops; a second Ctrl-C does not wait for the end of their steps."""
    import ray

    for force in (False, True):
        for task in tasks:
            ray.cancel(task, force=force)
        try:
            ray.wait(list(tasks), num_returns=len(tasks))
            return
        except KeyboardInterrupt:
            continue
