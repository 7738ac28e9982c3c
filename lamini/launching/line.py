"""From a checked line to finished run folders: plan all, then each student in a process of its own.

With hydra/launcher=local every student is a child of this process (lamini/children.py). Launchers that
bring a process of their own (SLURM, Ray) run the student where they are, in the same run folders.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

import lamini.compose  # noqa: F401  its resolvers, for launchers whose jobs import only this module
from lamini import report
from lamini.checks import check
from lamini.children import Children, Died
from lamini.config import Mode, TrainConfig
from lamini.errors import UserError
from lamini.launching import away, ranked
from lamini.launching.lanes import Lanes, lanes_of, unused
from lamini.launching.options import Local, Ray, Slurm, launcher_of
from lamini.launching.pool import Pool
from lamini.runs import Job, RunFolder, State
from lamini.schema import typed
from lamini.search import starting
from lamini.search.options import Trial, trial_of
from lamini.training.planning.forecast import Forecast
from lamini.training.world import world_of


class Line(Children):
    """What the command line of this process is doing: shared by the jobs that Hydra calls one by one."""

    total = 1
    failed = False  # a job could not even begin, so that its run.json does not say so
    lanes: Lanes | None = None  # where several students train at the same time
    rank_status: int | None = None  # of the student that this process is the first rank of

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.rank_status is None:
            super()._stop(number, frame)
        else:
            self.stopped_by = number  # the student has heard it itself

    def finish(self) -> None:
        """Wait for the students that jobs have handed over."""
        if self.lanes is not None:
            self.lanes.pool.finish()


LINE = Line()


def start(main: Callable[[], Any], jobs: list[Job], multirun: bool, line: list[str]) -> int:
    """Check, plan, print the plan, train, print the table; returns the exit status.

    `line` are the words the user typed, to be shown where they help.

    Raises:
        UserError: anything that would stop one of the jobs and can be known beforehand.
    """
    world, launcher = world_of(), jobs[0].launcher
    if multirun:
        ranked.check_sweep(world)
    elif world.size > 1:
        jobs = [ranked.as_one_of(world, jobs[0], line)]
        if world.rank:
            return ranked.train(jobs[0].config, jobs[0].folder)
    launcher.check(jobs)
    folder = jobs[0].folder if jobs[0].search else jobs[0].folder.parent
    elsewhere = launcher.elsewhere(folder) if isinstance(launcher, Slurm) else set()
    check(jobs, multirun, line, elsewhere)
    LINE.total = len(jobs)
    with starting.held(jobs):
        return _run(main, jobs, multirun, line)


def _run(main: Callable[[], Any], jobs: list[Job], multirun: bool, line: list[str]) -> int:
    try:
        with LINE.signals():
            planned = starting.planned(jobs)
            forecasts = LINE.call(
                "lamini.training.planning.plan", "plan_all", [(job.config, job.folder) for job in planned],
                not isinstance(jobs[0].launcher, Local),
            )  # fmt: skip
            if jobs[0].config.mode is Mode.plan:
                forecasts = [_probed(job, item) for job, item in zip(planned, forecasts, strict=True)]
            report.plan(forecasts)
            if jobs[0].search:
                print(starting.told(jobs[0].search, forecasts), flush=True)
            LINE.lanes = _lanes(planned, forecasts) if multirun else None
            if jobs[0].config.mode is Mode.verify:
                configs = [job.config for job in planned]
                return 0 if LINE.call("lamini.training.verify", "verify_all", configs) else 1
            if jobs[0].config.mode is Mode.train:
                main()
                return _end(jobs, line)
            ranked.stop(0)
            return 0
    except (Died, KeyboardInterrupt) as error:
        if LINE.stopped_by:
            return _stopped(jobs, line)
        print(f"{error}{_out_of_memory(error)}; nothing was trained", file=sys.stderr)
        ranked.stop(1)
        return 1


def _probed(job: Job, forecast: Forecast) -> Forecast:
    """The forecast with what a few real micro-batches took, in a process that may die of them."""
    if not forecast.left:
        return forecast
    print(f"measuring {forecast.run} ...", flush=True)
    try:
        found = LINE.call("lamini.training.planning.probe", "probe", job.config, forecast.micro_tokens)
    except Died as error:
        if LINE.stopped_by:
            raise
        return forecast.saying(
            f"{forecast.run}: {error}{_out_of_memory(error)}; time and memory are estimated"
        )
    return forecast.probed(found)


def _lanes(jobs: list[Job], forecasts: list[Forecast]) -> Lanes | None:
    """Where several students of the line train at the same time, if they do; says so."""
    local = jobs[0].launcher
    if not isinstance(local, Local) or jobs[0].config.mode is Mode.verify:
        return None
    lanes = lanes_of(
        local, jobs, forecasts, lambda: LINE.call("lamini.launching.machine", "look"), Pool(LINE, _told),
        starting.at_once(jobs),
    )  # fmt: skip
    for sentence in (*unused(local, forecasts), *(lanes.described(jobs) if lanes else ())):
        print(sentence, flush=True)
    return lanes


def _end(jobs: list[Job], line: list[str]) -> int:
    if LINE.stopped_by or LINE.rank_status == ranked.INTERRUPTED:
        return _stopped(jobs, line)
    statuses = report.table(starting.folders(jobs))
    if found := starting.best(jobs, line):
        print(found, flush=True)
    if LINE.rank_status:
        return LINE.rank_status
    return 0 if {*statuses} <= {"done", "pruned"} and not LINE.failed else 1


def _stopped(jobs: list[Job], line: list[str]) -> int:
    """How far it came, how to go on, and the status that shells know for a signal."""
    if jobs[0].config.mode is Mode.train:
        report.table(starting.folders(jobs))
    starter = world_of().starter
    print(
        f"Stopped. Continue with: {f'the same {starter} line' if starter else shlex.join(line)}", flush=True
    )
    return 128 + LINE.stopped_by if LINE.stopped_by else ranked.INTERRUPTED


def job(config: DictConfig) -> str | None:
    """One job as Hydra's launcher calls it; a student that fails leaves a status, no exception.

    What its run.json cannot say, because it could not begin, is returned: to whoever launched the job.
    """
    hydra = HydraConfig.get()
    student = typed(config, TrainConfig)
    folder = Path(hydra.runtime.output_dir)
    sweep = hydra.mode == RunMode.MULTIRUN
    trial = trial_of(hydra.sweeper) if sweep else None
    number = (trial.number if trial else int(hydra.job.num)) + 1 if sweep else 1
    if LINE.stopped_by:
        return None
    launcher, world = launcher_of(hydra.launcher), world_of()
    if world.size > 1:
        student = ranked.on(world, student)
    run = (student, folder, number, max(LINE.total, number), trial)
    try:
        if world.size > 1:
            LINE.rank_status = 2  # unless it begins
            LINE.rank_status = ranked.train(*run)
        elif finished(folder, student, trial):
            print(f"{folder.name}: done already, skipped", flush=True)
        elif isinstance(launcher, Ray):
            away.train_on_ray(hydra.runtime.cwd, launcher.threads, *run)
        elif isinstance(launcher, Slurm):
            away.train_on_slurm(hydra.runtime.cwd, *run)
        elif LINE.lanes is not None:
            LINE.lanes.train(*run)
        else:
            LINE.call("lamini.training.fit", "run", *run)
    except (UserError, Died) as error:
        _told(folder.name, error)
        return str(error)
    return None


def finished(folder: Path, student: TrainConfig, trial: Trial | None) -> bool:
    """Whether there is nothing left to do in a run folder.

    Raises:
        UserError: it holds a run of another configuration.
    """
    run = RunFolder(folder)
    return run.state(student) is State.done or bool(trial and run.pruned(student))


def _told(name: str, error: UserError | Died | None) -> None:
    """How a student ended where it could not say so itself."""
    if error is None:
        return
    LINE.failed = True
    if isinstance(error, UserError):  # what came in between since the line was checked
        print(f"{name}: {error}", file=sys.stderr, flush=True)
    elif not LINE.stopped_by:
        hint = _out_of_memory(error)
        print(f"{name}: {error}{hint}; the same line continues it", flush=True)


def _out_of_memory(error: BaseException) -> str:
    return " (out of memory?)" if isinstance(error, Died) and error.code == -9 else ""
