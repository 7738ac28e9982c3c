"""What stands between the shell and Hydra: every job of a line is checked before the first one starts.

Hydra's own errors exit with 1, some with a traceback, and a sweep would meet its bad job hours later. So the
entry composes all jobs of the line as Hydra will, validates each, looks for weights, data and folders, and
prints one sentence with status 2 where something is wrong. Only then does Hydra run, in whatever launcher.
This module imports nothing heavy: config errors and --help answer in about a second.
"""

from __future__ import annotations

import argparse
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from lamini.compose import CONF, SCHEMAS, help_text, opened, register
from lamini.errors import UserError
from lamini.launching.options import launcher_of, suits
from lamini.launching.ranked import mistaken
from lamini.mistakes import Herd, foreseen, sentence
from lamini.runs import Job
from lamini.schema import typed
from lamini.search.asking import corner_jobs, metric_of
from lamini.search.options import is_search
from lamini.training.world import world_of

STUDENT_KEYS = ("model", "family", "size")
OF_HYDRA = re.compile(r"[+~]*hydra[./]")
EXCLUDE = "hydra.job.config.override_dirname.exclude_keys"
SWEEPER = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


Start = Callable[..., int]
"""(main, jobs, multirun=, line=) -> exit status: what a script does with the checked jobs of its line."""


def training() -> Start:
    """What train.py does with its jobs."""
    from lamini.launching.line import start

    return start


def command(main: Callable[[], Any], script: str, starter: Callable[[], Start] = training) -> None:
    """Check the whole line, run it through Hydra, and exit; `starter` imports what runs the jobs, late.

    Statuses: 0 all done, 1 a student failed, 2 a mistake in the line, 128 + signal where it was stopped.
    """
    args = get_args_parser().parse_intermixed_args()
    line, given = ["python", *sys.argv], list(args.overrides)
    try:
        extra = _config_dir(args)
        herd = register(extra)
        if args.help:
            print(help_text(script, herd, extra))
            sys.exit(0)
        if args.hydra_help or args.cfg or args.info or args.shell_completion:
            _check_shown(args, script, herd)
            _hand_over(args, given)
            main()
            return
        if script != "train" and world_of().size > 1:
            raise UserError(f"{script}.py is one process; start it without {world_of().starter}")
        jobs = enumerate_jobs(args, script, herd)
        _hand_over(args, given)
        status = starter()(main, jobs, multirun=bool(args.multirun), line=line)
    except UserError as error:
        mistaken(f"{script}.py: {error}")
        status = 2
    except Exception:
        traceback.print_exc()
        print(f"{script}.py: this is a mistake of LaMini's, not of yours; please report it", file=sys.stderr)
        status = 1
    sys.exit(status)


def _config_dir(args: argparse.Namespace) -> Path | None:
    if args.config_path:
        raise UserError("--config-path would hide the configuration; add to it with --config-dir <folder>")
    if args.config_dir and not Path(args.config_dir).is_dir():
        raise UserError(f"--config-dir {args.config_dir} is no folder")
    return Path(args.config_dir).resolve() if args.config_dir else None


def _hand_over(args: argparse.Namespace, given: list[str]) -> None:
    """Hydra reads sys.argv: its own flags as the user typed them, then the overrides as they were checked.

    Flags first, because Hydra does not read overrides on both sides of a flag (`model=a -m seed=1,2`).
    """
    sys.argv[1:] = [word for word in sys.argv[1:] if word not in given] + args.overrides


def _check_shown(args: argparse.Namespace, script: str, herd: Herd) -> None:
    """--cfg, --info: composed once by us first, so that a mistake gets a sentence and status 2."""
    args.overrides = opened(args.overrides)
    if args.cfg or args.info:
        with _composing(args, script, herd):
            _composed(args.config_name or script, args.overrides, RunMode.RUN)


def enumerate_jobs(args: argparse.Namespace, script: str, herd: Herd) -> list[Job]:
    """Every job of the line as Hydra will launch it, validated.

    Adds to `args.overrides` what folder names of a sweep leave out.

    Raises:
        UserError: an unknown option or key in any of the jobs, or two jobs with one folder.
    """
    name = args.config_name or script
    args.overrides = opened(args.overrides)
    with _composing(args, script, herd):
        if not args.multirun:
            config = _composed(name, args.overrides, RunMode.RUN)
            return [_job(config, script, multirun=False)]
        master = _composed(name, args.overrides, RunMode.MULTIRUN)
        if is_search(master.hydra.sweeper):
            return _searched(master, args, script)
        jobs = [_job(config, script, multirun=True) for config in _sweep(master, args)]
    folders = [job.folder for job in jobs]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UserError(
                f"two jobs of the sweep would share {folder}; give the values that differ another spelling"
            )
    return jobs


@contextmanager
def _composing(args: argparse.Namespace, script: str, herd: Herd) -> Iterator[None]:
    """Hydra set up as its main will be; what a wrong line makes it raise in here becomes one sentence."""
    places = create_config_search_path(str(CONF))
    if args.config_dir:
        place = f"file://{Path(args.config_dir).resolve()}"
        places.prepend("command-line", place, SearchPathQuery(provider="schema"))
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        GlobalHydra.instance().clear()
        Hydra.create_main_hydra2(task_name=script, config_search_path=places)
        try:
            yield
        except Exception as error:
            if not foreseen(error):
                raise
            raise UserError(sentence(error, herd, SCHEMAS[script], args.overrides)) from error


def _composed(name: str, overrides: list[str], mode: RunMode) -> DictConfig:
    loaded = GlobalHydra.instance().hydra
    assert loaded is not None
    return loaded.compose_config(name, overrides, run_mode=mode)


def _searched(master: DictConfig, args: argparse.Namespace, script: str) -> list[Job]:
    """Jobs at the corners of what hydra/sweeper=optuna may choose; says in the line what `auto` means."""
    if script != "train":
        raise UserError(f"hydra/sweeper=optuna searches with train.py; {script}.py sweeps with basic")
    jobs = corner_jobs(master, GlobalHydra.instance().config_loader())
    suits(jobs[0].launcher, script, multirun=True)
    assert jobs[0].search is not None
    if jobs[0].search.search.metric == "auto":
        metric = metric_of(jobs)
        jobs[0].search.search.metric = metric
        args.overrides.append(f"hydra.sweeper.metric={metric}")
    return jobs


def _sweep(master: DictConfig, args: argparse.Namespace) -> Iterator[DictConfig]:
    """The configurations of `-m`, composed as Hydra's sweeper and launcher do."""
    loader = GlobalHydra.instance().config_loader()
    if master.hydra.sweeper._target_ != SWEEPER:
        raise UserError("hydra/sweeper must be basic or optuna: jobs are checked before the first one starts")
    params = [f"{key}={value}" for key, value in (master.hydra.sweeper.get("params") or {}).items()]
    swept = [text for text in args.overrides if not OF_HYDRA.match(text)]  # those are in the master already
    parsed = OverridesParser.create(config_loader=loader).parse_overrides([*params, *swept])
    (jobs,) = BasicSweeper.split_arguments(parsed, None)
    fixed = _fixed_keys(jobs)
    args.overrides.append(f"{EXCLUDE}=[{','.join(fixed)}]")
    with open_dict(master):
        OmegaConf.update(master, EXCLUDE, fixed)
    for number, job in enumerate(jobs):
        config = loader.load_sweep_config(master, [*job, args.overrides[-1]])
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        yield config


def _fixed_keys(jobs: list[list[str]]) -> list[str]:
    """Keys that a folder name leaves out: those with one value in the whole sweep, and the student's own."""
    values: dict[str, set[str]] = {}
    for override in (item for job in jobs for item in job):
        key, _, value = override.partition("=")
        values.setdefault(key.lstrip("+~"), set()).add(value)
    return sorted({key for key, seen in values.items() if len(seen) == 1} | set(STUDENT_KEYS))


def _job(config: DictConfig, script: str, multirun: bool) -> Job:
    HydraConfig.instance().set_config(config)
    place = (
        Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir if multirun else Path(config.hydra.run.dir)
    )
    if not multirun and is_search(config.hydra.sweeper):
        raise UserError("hydra/sweeper=optuna searches among the jobs of a sweep: add -m")
    launcher = launcher_of(config.hydra.launcher)
    suits(launcher, script, multirun)
    return Job(typed(config, SCHEMAS[script]), place, launcher)
