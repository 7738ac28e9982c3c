"""One report: read the data, measure part by part, write. Imported once a line is accepted."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lamini.analysis import contamination, items, models, overlaps, repeats, report, rulers
from lamini.analysis.diversity import diversity
from lamini.analysis.lengths import lengths
from lamini.analysis.parts import Parts
from lamini.analysis.rows import Rows, order_digest, spill
from lamini.analysis.workers import say
from lamini.children import cores
from lamini.config import AnalyzeConfig
from lamini.data.corpus import fingerprint
from lamini.errors import UserError

SCRATCH = "analysis-"
"""How the folders of rows in the cache begin."""


def analyze(config: AnalyzeConfig) -> Path:
    """Measure the data that `config` names; returns the folder with the report.

    Raises:
        UserError: rows, models or test items cannot be read, the disk is full, or another line writes this
        report.
    """
    cache_dir = Path(config.paths.cache_dir)
    cache_dir.mkdir(parents=True, exist_ok=True)
    say("reading the data")
    corpus = config.data.load(cache_dir, config.seed)
    name = fingerprint(corpus.sources)
    folder = Path(config.paths.output_dir) / "analysis" / name
    folder.mkdir(parents=True, exist_ok=True)
    rejected = dict(Counter(row.reason for row in corpus.rejected))
    with _alone(folder), _scratch(cache_dir) as place:
        sets = spill(corpus.sources, place)
        say(f"{corpus.pairs:,} pairs in {len(sets)} set(s), {len(corpus.rejected):,} rows set aside")
        del corpus
        parts = _measured(config, sets, Parts(folder / "parts", config.force))
        report.write(folder, config, name, rejected, parts)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f"{folder} is being written by another line; wait for it") from None
    try:
        yield
    finally:
        (folder / "lock").unlink(missing_ok=True)  # while held, as in runs.py
        lock.release()


@contextmanager
def _scratch(cache_dir: Path) -> Iterator[Path]:
    """A folder for the rows while they are measured; removes those of lines that were killed."""
    for old in cache_dir.glob(f"{SCRATCH}*"):
        lock = FileLock(old / "lock", timeout=0)
        with suppress(Timeout, OSError):
            if time.time() - old.stat().st_mtime > 60:  # a younger one may not have its lock yet
                with lock:
                    shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=cache_dir) as place, FileLock(Path(place) / "lock"):
        yield Path(place)


def _measured(config: AnalyzeConfig, sets: list[Rows], parts: Parts) -> dict[str, Any]:
    """Name of a part -> what was measured; parts that are turned off are missing."""
    order = {"order": order_digest(sets)}
    seeded = {**order, "seed": config.seed}
    processes = config.processes or cores()
    ruler = rulers.place(config.tokenizer, config.paths.tokenizers)
    result = {
        "lengths": parts.get("lengths", {**order, "ruler": ruler}, lambda: lengths(sets, ruler, processes))
    }
    result["diversity"] = parts.get(
        "diversity",
        {**seeded, **asdict(config.diversity)},
        lambda: diversity(sets, config.diversity, config.seed, processes),
    )
    near = asdict(config.near) if config.near else None
    result["repeats"] = parts.get(
        "repeats", {**order, "near": near}, lambda: _repeats(config, sets, processes)
    )
    if config.contamination.tasks is not None:
        found = items.files(config.contamination.tasks)
        settings = {**order, "tasks": items.digest(found), **_search(config)}
        result["contamination"] = parts.get(
            "contamination", settings, lambda: _contamination(config, sets, found, processes)
        )
    if config.semantic.model is not None:
        from lamini.analysis.semantic import semantic

        chosen = models.choose(config.semantic.model)
        settings = {**seeded, **asdict(config.semantic), "model": asdict(chosen)}
        result["semantic"] = parts.get(
            "semantic", settings, lambda: semantic(sets, config.semantic, chosen, config.seed)
        )
    return result


def _repeats(config: AnalyzeConfig, sets: list[Rows], processes: int) -> dict[str, Any]:
    exact, key_N = repeats.exact(sets, processes)
    result: dict[str, Any] = {"exact": exact}
    if config.near is not None:
        result["near"] = repeats.near(sets, key_N, config.near, Path(config.paths.cache_dir))
    return result


def _search(config: AnalyzeConfig) -> dict[str, Any]:
    """The settings of contamination, without where its files lie."""
    return {key: value for key, value in asdict(config.contamination).items() if key != "tasks"}


def _contamination(
    config: AnalyzeConfig, sets: list[Rows], found: dict[str, Path], processes: int
) -> dict[str, Any]:
    wanted = [item for task, path in found.items() for item in items.read(task, path)]
    search = contamination.prepare(wanted, config.contamination)
    if not search.numbers:
        raise UserError(
            f"contamination.tasks={config.contamination.tasks} has no item of contamination.shortest="
            f"{config.contamination.shortest} words or more"
        )
    places, rows = contamination.look(sets, search, processes)
    return {
        "tasks": overlaps.by_task(search, places),
        "rows": rows,
        "matches": overlaps.matches(search, places, sets),
    }
