"""Which files can be read, and the checks that need no more than the standard library.

Kept apart from `readers` so that a wrong path is refused before pyarrow or torch is imported.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import BinaryIO, cast

from lamini.errors import UserError

FORMATS = ("jsonl", "json", "csv", "parquet")
ACCEPTED = ".jsonl, .json, .csv (each also .gz) and .parquet"


def format_of(path: Path, key: str, override: str | None = None) -> str:
    """One of FORMATS, by the file's suffix or by `override`.

    Raises:
        UserError: neither says a format that can be read.
    """
    name = path.name.lower()
    zipped = name.endswith(".gz")
    found = override or name.removesuffix(".gz").rpartition(".")[2]
    if found not in FORMATS:
        raise UserError(f"{key}={path} has an unknown format; {ACCEPTED} can be read")
    if found == "parquet" and zipped:
        raise UserError(f"{key}={path}: parquet is compressed inside, unpack it with gunzip first")
    return found


def check_pairs(path: str | Path, key: str, override: str | None = None) -> list[Path]:
    """The files with the rows of `path`: the file itself, or the .parquet shards of a folder, sorted by name.

    Raises:
        UserError: as `check`, or the folder holds no shard.
    """
    place = Path(path).expanduser()
    shards = sorted(place.glob("[!.]*.parquet")) if place.is_dir() else []
    if not shards:
        return [check(path, key, override)]
    if override not in (None, "parquet"):
        raise UserError(f"{key}={path} is a folder of parquet shards, not of format {override}")
    return [check(shard, key) for shard in shards]


def name_of(path: str | Path) -> str:
    """The source's name: `pairs` for the file my/pairs.jsonl.gz, `v1.5` for the folder my/v1.5."""
    place = Path(path).expanduser().absolute()
    return place.resolve().name if place.is_dir() else place.name.split(".")[0]


def check(path: str | Path, key: str, override: str | None = None) -> Path:
    """The path, when a file with rows may be there.

    Raises:
        UserError: missing, a folder, unreadable, empty, or of an unknown format; names `key`.
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise UserError(f"{key}={path} does not exist (looked for {file.absolute()})")
    if file.is_dir():
        raise UserError(f"{key}={path} is a folder without .parquet shards; name one file of it: {ACCEPTED}")
    format_of(file, key, override)
    if not os.access(file, os.R_OK):
        raise UserError(f"{key}={path} may not be read; check its permissions (chmod +r)")
    if file.stat().st_size == 0:
        raise UserError(f"{key}={path} is empty")
    return file


def open_bytes(path: Path) -> BinaryIO:
    """The file's (unpacked) bytes as a stream."""
    if path.suffix.lower() == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")
