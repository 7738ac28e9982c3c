"""What analyze.py does with its jobs: check the line, measure part by part, write the report.

Nothing heavy is imported here; `measure` is, once a line is accepted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from lamini.analysis import items, models, rulers
from lamini.config import AnalyzeConfig, Diversity
from lamini.curation.options import check_near
from lamini.entry import Start
from lamini.errors import UserError
from lamini.runs import Job, ensure_writable
from lamini.schema import typed

UNITS = ("marks", "words")
ORDERS = ("file", "shuffled")
MAPS = {"tsne": "sklearn", "umap": "umap"}
DRAWING = ("matplotlib", "plotly")
MISTAKES: list[UserError] = []
"""What jobs of this line could not do: Hydra would show a traceback and exit with 1."""


def starter() -> Start:
    """What `entry.command` starts the checked jobs with."""
    return start


def start(main: Callable[[], Any], jobs: list[Job], multirun: bool, line: list[str]) -> int:
    """Check every job, run them one after the other; returns the exit status.

    Raises:
        UserError: anything that would stop one of the jobs and can be known beforehand, or that stopped the
        only one.
    """
    for each in jobs:
        check(each.config)
    MISTAKES.clear()
    stopped_by: list[int] = []

    def stop(number: int, _: Any) -> None:
        stopped_by.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped. Finished parts are kept; the same line goes on from there.", flush=True)
        return 128 + stopped_by[0]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if MISTAKES and len(jobs) == 1:
        raise MISTAKES[0]
    for mistake in MISTAKES:
        print(f"analyze.py: {mistake}", file=sys.stderr)
    return 2 if MISTAKES else 0


def job(config: DictConfig) -> None:
    """One job as Hydra's launcher calls it."""
    from lamini.analysis.measure import analyze

    try:
        folder = analyze(typed(config, AnalyzeConfig))
        print(f"report: {folder / 'report.md'}", flush=True)
    except UserError as error:
        MISTAKES.append(error)


def check(config: AnalyzeConfig) -> None:
    """Raise UserError for values that cannot work, and for data, models and folders that are not there."""
    _check_numbers(config)
    check_diversity(config.diversity)
    _check_chosen({"semantic.map": (config.semantic.map, tuple(MAPS))})
    config.data.check()
    if config.near is not None:
        check_near(config.near, "near")
    rulers.place(config.tokenizer, config.paths.tokenizers)
    if config.contamination.tasks is not None:
        items.files(config.contamination.tasks)
    if config.semantic.model is not None:
        models.choose(config.semantic.model)
        _needs(MAPS[config.semantic.map], f"semantic.map={config.semantic.map}", "semantic.model=null")
    if config.figures:
        for library in DRAWING:
            _needs(library, "figures=true", "figures=false")
    ensure_writable(Path(config.paths.output_dir) / "analysis", "paths.output_dir")
    ensure_writable(Path(config.paths.cache_dir), "paths.cache_dir")


def check_diversity(options: Diversity) -> None:
    """Raise UserError for values of `diversity` that cannot work."""
    _check_chosen({"diversity.units": (options.units, UNITS), "diversity.order": (options.order, ORDERS)})
    for key, value in (("diversity.window", options.window), ("diversity.sample", options.sample)):
        if value is not None and value < 1:
            raise UserError(f"{key}={value} must be at least 1")
    _check_share("diversity.threshold", options.threshold)


def _check_share(key: str, share: float) -> None:
    if not 0 < share < 1:
        raise UserError(f"{key}={share} must lie between 0 and 1, both excluded")


def _check_chosen(chosen: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    for key, (value, known) in chosen.items():
        if value not in known:
            raise UserError(f"{key}={value} is unknown; there are: {' '.join(known)}")


def _needs(library: str, key: str, way_out: str) -> None:
    if find_spec(library) is None:
        extra = "umap" if library == "umap" else "analysis"
        raise UserError(
            f"{key} needs {library}, which is not installed: pip install 'lamini-herd[{extra}]', or {way_out}"
        )


def _check_numbers(config: AnalyzeConfig) -> None:
    at_least = {
        "processes": (config.processes, 1),
        "seed": (config.seed, 0),
        "semantic.sample": (config.semantic.sample, 1),
        "semantic.points": (config.semantic.points, 1),
        "contamination.ngram": (config.contamination.ngram, 2),
        "contamination.shortest": (config.contamination.shortest, 1),
    }
    for key, (value, least) in at_least.items():
        if value is not None and value < least:
            raise UserError(f"{key}={value} must be at least {least}")
    if config.contamination.shortest > config.contamination.ngram:
        raise UserError(
            f"contamination.shortest={config.contamination.shortest} must not exceed"
            f" contamination.ngram={config.contamination.ngram}"
        )
