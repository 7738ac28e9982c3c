"""A finished folder copied to a URL: what is there stays, every copy is read back, its record comes last.

Beside the files lies `digests.json`, name -> bytes and SHA-256, written after each of them; so the same line
again copies what is missing and no more. The record (manifest.json, run.json) is taken away before anything
is replaced and comes back last: who finds it finds the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.stores.urls import explained, opened

DIGESTS = "digests.json"
BLOCK = 1 << 20
KEY = "store"


def check(url: str) -> None:
    """Raise UserError unless something can be written at the URL."""
    system, path = opened(url, KEY)
    probe = f"{path.rstrip('/')}/.probe"
    with explained(url, KEY):
        system.makedirs(path, exist_ok=True)
        system.pipe_file(probe, b"lamini")
        system.rm_file(probe)


def publish(folder: Path, url: str, record: str, files: Iterable[Path] | None = None) -> None:
    """Copy `files` (None: all that are not hidden) of a folder, `record` last.

    Raises:
        UserError: the store fails, or holds other bytes than were sent.
    """
    system, path = opened(url, KEY)
    root = path.rstrip("/")
    local = {name: _of(folder / name) for name in sorted(_names(folder, files))}
    with explained(url, KEY):
        there = _digests(system, root)
        missing = [name for name in local if there.get(name) != local[name] or not _has(system, root, name)]
        if missing:
            _remove(system, [f"{root}/{name}" for name in {record, *(there.keys() - local.keys())}])
            missing = [*(name for name in missing if name != record), record]
            there = {name: entry for name, entry in there.items() if name in local and name not in missing}
        for name in missing:
            system.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
            system.put_file(str(folder / name), f"{root}/{name}")
            if _digest(system.open(f"{root}/{name}", "rb")) != local[name]:
                raise UserError(f"{KEY}={url}: {name} is not what was sent; the same line sends it again")
            there[name] = local[name]
            system.pipe_file(f"{root}/{DIGESTS}", json.dumps(there, indent=1).encode())
    size = sum(entry["bytes"] for entry in local.values())
    print(f"{url}: {len(local)} files, {size / 1e6:,.1f} MB; {len(missing)} copied now", flush=True)


def _names(folder: Path, files: Iterable[Path] | None) -> list[str]:
    """Names relative to the folder, with slashes."""
    found = folder.rglob("*") if files is None else files
    names = [file.relative_to(folder) for file in found if file.is_file()]
    return [
        name.as_posix()
        for name in names
        if not any(part.startswith(".") for part in name.parts) and name.name != "lock"
    ]


def _of(file: Path) -> dict[str, Any]:
    return _digest(file.open("rb"))


def _digest(stream: Any) -> dict[str, Any]:
    total, size = hashlib.sha256(), 0
    with stream:
        while block := stream.read(BLOCK):
            total.update(block)
            size += len(block)
    return {"bytes": size, "sha256": total.hexdigest()}


def _digests(system: Any, root: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(system.cat_file(f"{root}/{DIGESTS}"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _has(system: Any, root: str, name: str) -> bool:
    """Whether the store still has a file; what it holds was checked when it was sent."""
    return bool(system.exists(f"{root}/{name}"))


def _remove(system: Any, paths: list[str]) -> None:
    for path in paths:
        if system.exists(path):
            system.rm_file(path)
