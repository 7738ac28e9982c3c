"""What rate.py does with its line: a study is begun or gone on with, then served, summed up, judged, carried.

    serve      the page, until Ctrl-C; the same line goes on
    summary    counts, agreement, comparisons and figure, beside the ratings
    judge      a teacher rates the same sheet
    export     ratings with names, as CSV or Parquet; import takes such a file in
    merge      another machine's ratings of the same study
    close      nobody rates any more: names may be told from now on

What a mode needs is imported when it is chosen: a web server is not loaded to write a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.config import RateConfig
from lamini.rating import reading
from lamini.rating.assignment import shared_items, slots
from lamini.rating.checks import check, expected, links, place
from lamini.rating.scales import scale_of
from lamini.rating.study import Study, sealed
from lamini.single import Single
from lamini.web.addresses import is_loopback

if TYPE_CHECKING:
    from lamini.rating.store import Store

READING = ("summary", "export")
"""Modes that change nothing in the ratings, which may lie on a disk that nobody can write."""


def run(config: RateConfig) -> int:
    """Do what `mode` says; returns the exit status.

    Raises:
        UserError: the files cannot be read, or the ratings are of another study.
    """
    files = config.sheet.check(config.answers) if config.answers is not None else []
    path = place(config, files)
    with opened(config, path) as store:
        return MODES[config.mode.value](config, path, store)


def opened(config: RateConfig, path: Path) -> Store:
    """The ratings at `path`, begun where there are none.

    Raises:
        UserError: the answers cannot be read; or the ratings are of another study or version, or no ratings.
    """
    from lamini.rating.store import Store

    unchanged = config.mode.value in READING
    if config.answers is None:
        return Store.open(path, reading=unchanged)
    study = study_of(config)
    if path.exists():
        return Store.open(path, study, reading=unchanged)
    return Store.create(path, study)


def study_of(config: RateConfig) -> Study:
    """The study that a line describes; prints what is left out of it.

    Raises:
        UserError: the answers cannot be read.
    """
    items, told = config.sheet.items(config.answers, config.seed)
    for sentence in told:
        print(sentence, flush=True)
    return sealed(
        config.sheet.name, scale_of(config.sheet.name), items, seed=config.seed, overlap=config.overlap,
        raters_per_item=config.raters_per_item, items_per_rater=config.items_per_rater,
        raters=expected(config.raters),
    )  # fmt: skip


def described(study: Study) -> str:
    """What is about to be rated, and whether the raters can do it all."""
    owners = {owner for item in study.items for target in item.targets for owner in target.owners}
    targets = sum(len(item.targets) for item in study.items)
    shared = len(shared_items(study))
    lines = [
        f"sheet {study.sheet}: {len(study.items)} items with {targets} things to rate, of {len(owners)}"
        f" {'sources' if study.sheet == 'pairs' else 'students'}; {shared} of the items"
        f" go to {study.raters_per_item} raters each"
    ]
    if study.raters and study.items_per_rater:
        room, wanted = study.raters * study.items_per_rater, slots(study)
        if room < wanted:
            lines.append(
                f"{study.raters} raters with {study.items_per_rater} items each do {room} of {wanted}: the"
                " rest stays unrated; raise raters or items_per_rater"
            )
    return "\n".join(lines)


def _serve(config: RateConfig, path: Path, store: Store) -> int:
    from lamini.rating.web.serving import serve

    print(f"{described(store.study)}\nratings: {path}", flush=True)
    if other := _as_begun(config, store.study):
        print(f"as the study was begun: {other}; with {reading.KEY}=<file> the line's own count", flush=True)
    names = links(config.raters)
    if not names and not is_loopback(config.host):
        names = tuple(f"rater-{number}" for number in range(1, (expected(config.raters) or 0) + 1))
    return serve(store, host=config.host, port=config.port, links=names, open_browser=config.open_browser)


def _as_begun(config: RateConfig, study: Study) -> str:
    """Where a line without answers says something else than the study, which goes on as it was."""
    keys = ("overlap", "raters_per_item", "items_per_rater", "seed")
    told = {"sheet": study.sheet} if study.sheet != config.sheet.name else {}
    told |= {key: getattr(study, key) for key in keys if getattr(study, key) != getattr(config, key)}
    return ", ".join(f"{key}={'null' if value is None else value}" for key, value in told.items())


def _summary(config: RateConfig, path: Path, store: Store) -> int:
    from lamini.rating.summary.report import summarise

    summarise(store, _beside(config, path, ".summary"), seed=config.seed, resamples=config.resamples)
    return 0


def _judge(config: RateConfig, path: Path, store: Store) -> int:
    from lamini.rating.judging.command import judge

    judge(store, config)
    return 0


def _export(config: RateConfig, path: Path, store: Store) -> int:
    from lamini.rating.exchange import export

    file = _beside(config, path, ".csv")
    print(f"{export(store, file)} ratings: {file}", flush=True)
    return 0


def _import(config: RateConfig, path: Path, store: Store) -> int:
    from lamini.rating.exchange import take

    assert config.file is not None
    print(f"{take(store, Path(config.file).expanduser())} ratings taken in: {path}", flush=True)
    return 0


def _merge(config: RateConfig, path: Path, store: Store) -> int:
    from lamini.rating.merging import merge

    assert config.file is not None
    print(f"{merge(store, Path(config.file).expanduser())} ratings taken in: {path}", flush=True)
    return 0


def _beside(config: RateConfig, path: Path, suffix: str) -> Path:
    """Where something is written: `file`, or a name like that of the ratings."""
    return path.with_suffix(suffix) if config.file is None else Path(config.file).expanduser()


def _close(config: RateConfig, path: Path, store: Store) -> int:
    if store.closed() is None:
        store.close_study(time.time())
    print(f"closed: {path}", flush=True)
    return 0


MODES: dict[str, Callable[[RateConfig, Path, Any], int]] = {
    "serve": _serve, "summary": _summary, "judge": _judge,
    "export": _export, "import": _import, "merge": _merge, "close": _close,
}  # fmt: skip

LINE = Single(
    "rate.py", RateConfig, check, run,
    several="works on one study at a time: leave out -m", interrupted="the same line continues",
)  # fmt: skip
starter, start, job = LINE.starter, LINE.start, LINE.job
