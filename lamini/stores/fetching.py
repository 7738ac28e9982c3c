"""Files of pairs from a URL: fetched once, and kept in the cache as long as the store's are the same.

What the store says of its files (ETag, size, time) is part of the name under which they are kept, so another
content is fetched and the same one is not. A URL names one file, a folder of Parquet shards, or a pattern of
them: s3://bucket/pairs-*.parquet.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from lamini.data import files
from lamini.errors import UserError
from lamini.runs import draft
from lamini.stores.urls import explained, opened

MEGABYTE = 1e6


def check(url: str, key: str, override: str | None = None) -> None:
    """Raise UserError unless there is something at the URL that can be read as pairs."""
    _found(url, key, override)


def fetched(url: str, key: str, cache_dir: Path, override: str | None = None) -> Path:
    """A local copy: a file, or a folder of shards.

    Raises:
        UserError: as `check`, or it breaks off.
    """
    system, paths, folder = _found(url, key, override)
    with explained(url, key):
        state = [(path, str(system.checksum(path)), system.size(path)) for path in paths]
    name = hashlib.sha256(repr((url, state)).encode()).hexdigest()[:16]
    place = cache_dir.expanduser() / "fetched" / name
    if not place.exists():
        _fetch(system, state, place, url, key)
    return place if folder else place / PurePosixPath(paths[0]).name


def name_of(url: str) -> str:
    """The source's name, as `lamini.data.files.name_of` has it for a local path.

    >>> name_of("s3://bucket/v1.5/pairs-*.parquet"), name_of("s3://bucket/mine.jsonl.gz")
    ('pairs', 'mine')
    """
    last = PurePosixPath(url.rstrip("/").partition("://")[2]).name
    if "*" in last:
        return last.partition("*")[0].rstrip("-_.") or name_of(url.rstrip("/").rpartition("/")[0])
    known = any(last.lower().removesuffix(".gz").endswith(f".{format}") for format in files.FORMATS)
    return last.split(".")[0] if known else last


def _found(url: str, key: str, override: str | None) -> tuple[Any, list[str], bool]:
    """File system, files, and whether they are shards.

    Raises:
        UserError: nothing there, or nothing that can be read.
    """
    system, path = opened(url, key)
    with explained(url, key):
        several = "*" in path or system.isdir(path)
        pattern = path if "*" in path else f"{path.rstrip('/')}/*.parquet"
        paths = sorted(system.glob(pattern)) if several else [path]
        if not several:
            system.info(path)
    if not paths:
        raise UserError(f"{key}={url} holds no .parquet shards")
    for one in paths:
        if files.format_of(Path(one), key, override) != "parquet" and several:
            raise UserError(f"{key}={url}: several files at once can be read as .parquet only, {one} is none")
    return system, paths, several


def _fetch(system: Any, state: list[tuple[str, str, int]], place: Path, url: str, key: str) -> None:
    size = sum(bytes for _, _, bytes in state if bytes) / MEGABYTE
    print(f"fetching {url}: {len(state)} file(s), {size:,.1f} MB", flush=True)
    begun = draft(place)
    try:
        begun.mkdir(parents=True, exist_ok=True)
        with explained(url, key):
            for path, _, _ in state:
                system.get_file(path, str(begun / PurePosixPath(path).name))
        if not place.exists():  # another line may have been quicker
            begun.rename(place)
    finally:
        shutil.rmtree(begun, ignore_errors=True)
