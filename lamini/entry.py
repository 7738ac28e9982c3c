"""What stands between the shell and Hydra: every job of a line is checked before the first one starts.

Hydra's own errors exit with 1, some with a traceback, and a sweep would meet its bad job hours later. So the
entry composes all jobs of the line as Hydra will, validates each, looks for weights, data and folders, and
prints one sentence with status 2 where something is wrong. Only then does Hydra run, in whatever launcher.
This module imports nothing heavy: config errors and --help answer in about a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from lamini.compose import CONF, SCHEMAS, register
from lamini.config import explain, typed
from lamini.errors import UserError

STUDENT_KEYS = ("model", "family", "size")
EXCLUDE = "hydra.job.config.override_dirname.exclude_keys"


@dataclass(frozen=True)
class Job:
    """One run of a line: its validated configuration and the folder it will write."""

    config: Any
    folder: Path


def command(main: Callable[[], Any], script: str) -> None:
    """Check the whole line, run it through Hydra, and exit: 0 done, 1 a student failed, 2 a mistake, 130 stopped."""
    args = get_args_parser().parse_args()
    try:
        herd = register(Path(args.config_dir).resolve() if args.config_dir else None)
        if args.help or args.hydra_help or args.cfg or args.info or args.shell_completion:
            _ask_hydra(main, args, script, herd)
            return
        jobs = enumerate_jobs(args, script, herd)
        from lamini import launch

        status = launch.start(main, jobs, multirun=_multirun(args, jobs))
    except UserError as error:
        print(f"{script}.py: {error}", file=sys.stderr)
        status = 2
    sys.exit(status)


def _multirun(args: argparse.Namespace, jobs: list[Job]) -> bool:
    return bool(args.multirun) or len(jobs) > 1


def _ask_hydra(
    main: Callable[[], Any], args: argparse.Namespace, script: str, herd: dict[str, list[str]]
) -> None:
    """--help, --cfg, --info: composed once by us first, so that a mistake gets a sentence and status 2."""
    if args.help and not any(text.startswith(("model=", "family=")) for text in args.overrides):
        sys.argv += [
            "family=t5",
            "size=nano",
        ]  # help shows no values, but Hydra composes a whole student for it
    elif args.cfg or args.info or args.help:
        with _initialized(args):
            _composed(args.config_name or script, args.overrides, RunMode.RUN, herd)
    main()


def enumerate_jobs(args: argparse.Namespace, script: str, herd: dict[str, list[str]]) -> list[Job]:
    """Every job of the line as Hydra will launch it, validated.

    Raises:
        UserError: an unknown option or key in any of the jobs, or two jobs with one folder.
    """
    name = args.config_name or script
    with _initialized(args):
        if not args.multirun:
            config = _composed(name, args.overrides, RunMode.RUN, herd)
            return [_job(config, script, "hydra.run.dir")]
        jobs = [_job(config, script, None) for config in _sweep(name, args.overrides, herd)]
    folders = [job.folder for job in jobs]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UserError(
                f"two jobs of the sweep would share {folder}; give the values that differ another spelling"
            )
    return jobs


def _initialized(args: argparse.Namespace) -> Any:
    if args.config_dir:
        if not Path(args.config_dir).is_dir():
            raise UserError(f"--config-dir {args.config_dir} is no folder")
        args.overrides.append(f"hydra.searchpath=[file://{Path(args.config_dir).resolve()}]")
    return hydra.initialize_config_dir(str(CONF), version_base="1.3")


def _composed(
    name: str, overrides: list[str], mode: RunMode, herd: dict[str, list[str]] | None = None
) -> DictConfig:
    try:
        return GlobalHydra.instance().hydra.compose_config(name, overrides, run_mode=mode)  # type: ignore[union-attr]
    except OmegaConfBaseException as error:
        raise UserError(explain(error)) from error
    except HydraException as error:
        raise UserError(_sentence(error, herd)) from error


def _sentence(error: HydraException, herd: dict[str, list[str]] | None) -> str:
    """Hydra's message with its options on one line each; a missing student gets the herd."""
    text = str(error).strip()
    if "You must specify" in text and herd:
        students = " ".join(f"{family}-{size}" for family, sizes in herd.items() for size in sizes)
        return f"which student? model=<family>-<size> is missing; there are: {students}"
    cause = f" {error.__cause__}" if error.__cause__ and str(error.__cause__) not in text else ""
    return " ".join(f"{text}{cause}".split())


def _sweep(name: str, overrides: list[str], herd: dict[str, list[str]]) -> list[DictConfig]:
    """The configurations of `-m`, composed as Hydra's sweeper and launcher do; sets what folder names leave out."""
    loader = GlobalHydra.instance().config_loader()
    master = _composed(name, overrides, RunMode.MULTIRUN, herd)
    try:
        params = [f"{key}={value}" for key, value in (master.hydra.sweeper.get("params") or {}).items()]
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(params + list(overrides))
        (jobs,) = BasicSweeper.split_arguments(parsed, None)
        fixed = _fixed_keys(jobs)
        sys.argv.append(f"{EXCLUDE}=[{','.join(fixed)}]")
        with open_dict(master):
            OmegaConf.update(master, EXCLUDE, fixed)
        configs = []
        for number, job in enumerate(jobs):
            config = loader.load_sweep_config(master, [*job, sys.argv[-1]])
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = number
            configs.append(config)
        return configs
    except OmegaConfBaseException as error:
        raise UserError(explain(error)) from error
    except HydraException as error:
        raise UserError(_sentence(error, herd)) from error


def _fixed_keys(jobs: list[list[str]]) -> list[str]:
    """Keys that a folder name leaves out: those with one value in the whole sweep, and the student's own."""
    values: dict[str, set[str]] = {}
    for override in (item for job in jobs for item in job):
        key, _, value = override.partition("=")
        values.setdefault(key.lstrip("+~"), set()).add(value)
    return sorted({key for key, seen in values.items() if len(seen) == 1} | set(STUDENT_KEYS))


def _job(config: DictConfig, script: str, folder_key: str | None) -> Job:
    HydraConfig.instance().set_config(config)
    try:
        place = (
            config.hydra.run.dir if folder_key else Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir
        )
    except OmegaConfBaseException as error:
        raise UserError(explain(error)) from error
    with open_dict(config):
        tree = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    return Job(typed(tree, SCHEMAS[script]), Path(place))


def command_line() -> list[str]:
    """The words of the line as the user typed it."""
    return ["python", *[word for word in sys.argv if not word.startswith(EXCLUDE)]]
