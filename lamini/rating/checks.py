"""What can be wrong with a line of rate.py, known before its files are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamini.config import RateConfig
from lamini.data.files import check as check_file
from lamini.errors import UserError
from lamini.rating import reading
from lamini.runs import ensure_writable
from lamini.web.addresses import is_loopback

SUFFIX = ".ratings.sqlite"


def check(config: RateConfig) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    _check_numbers(config)
    links(config.raters)
    files = config.sheet.check(config.answers) if config.answers is not None else []
    path = place(config, files)
    begun = path.exists()
    if not begun and not files:
        raise UserError(
            f"ratings={config.ratings} does not exist; answers=<file> begins a study, whose ratings go there"
        )
    mode = config.mode.value
    if mode in ("summary", "export", "merge", "close") and not begun:
        raise UserError(f"mode={mode} needs ratings, and {path} does not exist; mode=serve begins it")
    if mode == "serve":
        _check_network(config)
    if mode in ("import", "merge"):
        _check_given(config)
    if mode == "judge":
        from lamini.rating.judging.command import check as check_judge

        check_judge(config)
    if not begun:
        ensure_writable(path.parent, "ratings", "<file>")


def place(config: RateConfig, files: list[Path]) -> Path:
    """The file of ratings: `ratings`, or one beside the answers that is named after them and the sheet.

    Raises:
        UserError: neither says where.
    """
    if config.ratings is not None:
        path = Path(config.ratings).expanduser()
        if path.is_dir():
            raise UserError(f"ratings={config.ratings} is a folder; name a file in it")
        return path
    if not files:
        raise UserError(
            f"{reading.KEY}=<file> is missing: what evaluate.py suite=answers collects; or ratings=<file>"
            " of a study that was begun"
        )
    if len(files) > 1:
        raise UserError(f"{reading.KEY} names {len(files)} files; say where their ratings go: ratings=<file>")
    file = files[0]
    name = file.name if file.is_dir() else Path(file.name.removesuffix(".gz")).stem
    return file.with_name(f"{name}.{config.sheet.name}{SUFFIX}")


def links(raters: Any) -> tuple[str, ...]:
    """The names that `raters` gives; none where it is a number or nothing.

    Raises:
        UserError: it is neither, or a name stands twice.
    """
    if raters is None or (isinstance(raters, int) and not isinstance(raters, bool) and raters > 0):
        return ()
    names = [raters] if isinstance(raters, str) else raters
    if not isinstance(names, list) or not names or not all(str(name).strip() for name in names):
        raise UserError(f"raters={raters} must be a number from 1 on, or names: raters='[ann,ben]'")
    told = [str(name).strip() for name in names]
    if twice := next((name for name in told if told.count(name) > 1), None):
        raise UserError(f"raters has {twice} twice; each rater has a name of his or her own")
    return tuple(told)


def expected(raters: Any) -> int | None:
    """How many raters there will be, as far as `raters` says."""
    return raters if isinstance(raters, int) else len(links(raters)) or None


def _check_numbers(config: RateConfig) -> None:
    for key, least in (("seed", 0), ("raters_per_item", 1), ("items_per_rater", 1), ("resamples", 100)):
        if (value := getattr(config, key)) is not None and value < least:
            raise UserError(f"{key}={value} must be at least {least}")
    if not 0 <= config.overlap <= 1:
        raise UserError(f"overlap={config.overlap} is a share: give a number from 0 to 1")
    if config.overlap > 0 and config.raters_per_item < 2:
        raise UserError("raters_per_item=1 lets nobody rate what another has rated; give 2, or overlap=0")
    if not 0 <= config.port <= 65535:
        raise UserError(f"port={config.port} must lie between 0 (any that is free) and 65535")


def _check_network(config: RateConfig) -> None:
    if not config.host.strip():
        raise UserError("host is empty; 127.0.0.1 is this machine alone, 0.0.0.0 all networks it is in")
    if config.raters is None and not is_loopback(config.host):
        raise UserError(
            f"host={config.host} can be reached from elsewhere, so each rater needs a link of his or her own:"
            " raters=8 or raters='[ann,ben]' makes them"
        )


def _check_given(config: RateConfig) -> None:
    mode = config.mode.value
    if config.file is None:
        what = "ratings that mode=export wrote" if mode == "import" else "ratings of another machine"
        raise UserError(f"mode={mode} needs file=<file> with {what}")
    if mode == "import":
        check_file(config.file, "file")
    elif not Path(config.file).expanduser().is_file():
        raise UserError(f"file={config.file} does not exist; name the ratings (SQLite) of another machine")
