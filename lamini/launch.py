"""From a checked line to finished run folders: plan all, then each student in a process of its own.

Under `-m` with Hydra's basic launcher every student gets a process forked from a server that has the heavy
imports loaded: a start costs milliseconds instead of the 5-8 s of importing torch and Lightning, one
student's memory never outlives it, and one that is killed takes nobody along. Launchers that bring a process
of their own (SLURM, Ray, joblib) run the student where they are, in the same run folders.
"""

from __future__ import annotations

import multiprocessing
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from lamini import report
from lamini.config import Mode, TrainConfig, typed
from lamini.entry import Job, command_line
from lamini.errors import UserError
from lamini.runs import RunFolder, State, ensure_writable
from lamini.students import locate

BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


@dataclass
class Line:
    """What the command line of this process is doing: shared by the jobs that Hydra calls one by one."""

    total: int = 1
    stopped_by: int | None = None
    child: BaseProcess | None = None
    started: list[Path] = field(default_factory=list)


LINE = Line()


def start(main: Callable[[], Any], jobs: list[Job], multirun: bool) -> int:
    """Check, plan, print the plan, train, print the table; returns the exit status.

    Raises:
        UserError: anything that would stop one of the jobs and can be known beforehand.
    """
    check(jobs, multirun)
    run = _in_child if multirun else _here
    forecasts = run("lamini.training.plan", "plan_all", [(job.config, job.folder) for job in jobs])
    report.plan(forecasts)
    config: TrainConfig = jobs[0].config
    if config.mode is Mode.plan:
        return 0
    if config.mode is Mode.verify:
        return 0 if run("lamini.training.verify", "verify_all", [job.config for job in jobs]) else 1
    LINE.total = len(jobs)
    with _signals():
        main()
    statuses = report.table([job.folder for job in jobs])
    if LINE.stopped_by:
        print(f"Stopped. Continue with: {shlex.join(command_line())}", flush=True)
        return 128 + LINE.stopped_by
    return 0 if all(status == "done" for status in statuses) else 1


def check(jobs: list[Job], multirun: bool) -> None:
    """Everything that is cheap to know before torch is imported.

    Raises:
        UserError: what is missing or in the way; all missing weights of a sweep in one message.
    """
    for job in jobs:
        _check_values(job.config, multirun)
    missing = [problem for job in jobs for problem in locate.problems(job.config)]
    data_problem = _data_problem(jobs)
    if missing:
        raise UserError(locate.ways_out(list(dict.fromkeys(missing)), command_line(), data_problem is None))
    if data_problem:
        raise data_problem
    for job in jobs:
        if job.config.mode is not Mode.train:
            continue
        ensure_writable(job.folder)
        ensure_writable(Path(job.config.paths.cache_dir))
        folder = RunFolder(job.folder)
        if folder.running():
            raise UserError(
                f"{job.folder} is being written by another process; wait for it or choose name=<name>"
            )
        folder.state(job.config)


def _data_problem(jobs: list[Job]) -> UserError | None:
    for options in {repr(job.config.data): job.config.data for job in jobs}.values():
        try:
            options.check()
        except UserError as error:
            return error
    return None


def _check_values(config: TrainConfig, multirun: bool) -> None:
    """Values that are well typed and still cannot work."""
    family, size = config.family, config.size.name
    if size not in family.sizes:
        raise UserError(
            f"size={size}: family {family.name} has no such size; it has {', '.join(family.sizes)}"
        )
    if not 8 <= config.context <= family.context:
        raise UserError(f"context={config.context} must lie between 8 and the family's {family.context}")
    if multirun and config.trainer.devices > 1:
        raise UserError(
            "trainer.devices > 1 cannot be combined with -m (Lightning's child processes do not know the sweep's"
            " folder); start that student alone, or give each student one device"
        )
    positive = {
        "batch_size": config.batch_size, "size.micro_tokens": config.size.micro_tokens,
        "trainer.max_epochs": config.trainer.max_epochs, "trainer.devices": config.trainer.devices,
        "trainer.log_every": config.trainer.log_every, "validation.limit": config.validation.limit,
        "trainer.max_steps": config.trainer.max_steps, "trainer.threads": config.trainer.threads,
        "trainer.checkpoint_every": config.trainer.checkpoint_every, "limit": config.limit,
        "validation.every": config.validation.every, "vocabulary": config.vocabulary,
        "trainer.gradient_clip": config.trainer.gradient_clip,
    }  # fmt: skip
    for key, value in positive.items():
        if value is not None and value <= 0:
            raise UserError(f"{key}={value} must be greater than 0")
    shares = {
        "validation.share": config.validation.share, "max_rejected": config.max_rejected,
        "scheduler.warmup_ratio": config.scheduler.warmup_ratio,
    }  # fmt: skip
    for key, share in shares.items():
        if not 0 <= share < 1:
            raise UserError(f"{key}={share} must be a share: 0 <= {key} < 1")


def job(config: DictConfig) -> None:
    """One job as Hydra's launcher calls it; a student that fails leaves its status in run.json, not an exception."""
    hydra = HydraConfig.get()
    tree = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    student = typed(tree, TrainConfig)
    folder = Path(hydra.runtime.output_dir)
    number = int(hydra.job.get("num", 0)) + 1 if hydra.mode == RunMode.MULTIRUN else 1
    if LINE.stopped_by:
        return
    if RunFolder(folder).state(student) is State.done:
        print(f"{folder.name}: done already, skipped", flush=True)
        return
    LINE.started.append(folder)
    arguments = (student, folder, number, max(LINE.total, number))
    if hydra.mode == RunMode.MULTIRUN and hydra.launcher._target_ == BASIC:
        _train_in_child(arguments)
    else:
        _here("lamini.training.fit", "run", *arguments)


def _train_in_child(arguments: tuple[TrainConfig, Path, int, int]) -> None:
    process = _process("lamini.training.fit", "run", arguments, None)
    LINE.child = process
    process.start()
    process.join()
    LINE.child = None
    if process.exitcode and process.exitcode < 0:
        report.killed(arguments[1], -process.exitcode)


def _here(module: str, function: str, *arguments: Any) -> Any:
    """Import late, call in this process."""
    import importlib

    return getattr(importlib.import_module(module), function)(*arguments)


def _in_child(module: str, function: str, *arguments: Any) -> Any:
    """Call in a process of its own and return the result; a UserError there is raised here."""
    receiver, sender = multiprocessing.get_context("forkserver").Pipe(duplex=False)
    process = _process(module, function, arguments, sender)
    process.start()
    sender.close()
    try:
        outcome = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{module}.{function} ended with exit code {process.exitcode}") from None
    process.join()
    if isinstance(outcome, UserError):
        raise outcome
    return outcome


def _process(module: str, function: str, arguments: tuple[Any, ...], sender: Any) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lamini.training.fit"])
    return context.Process(target=_call, args=(module, function, arguments, sender))


def _call(module: str, function: str, arguments: tuple[Any, ...], sender: Any) -> None:
    try:
        result = _here(module, function, *arguments)
    except UserError as error:
        if sender is None:
            raise
        result = error
    if sender is not None:
        sender.send(result)
        sender.close()


@contextmanager
def _signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM reach the running student, which saves and stops; the rest of the sweep is not started."""

    def stop(number: int, frame: FrameType | None) -> None:
        LINE.stopped_by = number
        if LINE.child is not None and LINE.child.pid and number == signal.SIGTERM:
            LINE.child.terminate()

    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
