"""Where a run continues: at its newest checkpoint that is whole, with a word on those that are not.

A torn or changed file is known by its digest, and nothing is unpickled but tensors and plain values
(`weights_only`): a checkpoint from a stranger cannot run code here. What another architecture left is no
accident of the disk, so it is refused and not skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lamini.errors import UserError
from lamini.runs import reason
from lamini.training.checkpointing.kept import (
    BEST,
    INDEX,
    LAST,
    OURS,
    Saved,
    read_index,
    same,
    sync,
    write_index,
)

CHANGED = "its content is not what was saved: it is cut off or was changed"
UNSAFE = "it is torn, or holds more than weights and plain values and is not opened for safety"
FOREIGN = "it is no checkpoint of a run"


class _Unusable(Exception):
    """Why a file cannot be continued from."""


def restore(folder: Path) -> list[str]:
    """Make last.ckpt the newest good checkpoint of `folder`; sentences about what was wrong, if anything.

    Damaged ones are set aside as <name>.bad until the next checkpoint is on the disk. Every file is read
    once, about a second a gigabyte.

    Raises:
        UserError: there are checkpoints and none is good; nothing is touched then.
    """
    paths = sorted(path for path in folder.glob("[!.]*.ckpt") if OURS.fullmatch(path.name))
    if not paths:
        return []
    rows = read_index(folder)
    listed = None if rows is None else {saved.sha256: saved for _, saved in rows}
    good, bad = _sorted_out(paths, listed)
    if not good:
        problems = "; ".join(f"{name}: {problem}" for name, problem in bad.items())
        raise UserError(
            f"{folder} holds no checkpoint to continue from ({problems});"
            " put a whole copy of one back, or start this student anew with force=true"
        )
    newest = max(good, key=lambda name: (good[name].step, name == LAST))
    for name in bad:
        (folder / name).replace(folder / f"{name}.bad")
    if newest != LAST:
        same(folder / newest, folder / LAST)
    write_index(folder, (good | {LAST: good[newest]}).items())
    sync(folder)
    told = [f"checkpoints/{name} is skipped: {problem}" for name, problem in bad.items()]
    if listed is None:
        told.append(f"checkpoints/{INDEX} is missing or damaged: checkpoints that load are taken as they are")
    return [*told, f"continues from {newest} of step {good[newest].step}"] if told else []


def check_architecture(path: Path, expected: Mapping[str, Any]) -> None:
    """Raise UserError where the weights of `path` are not the `expected` ones; names the first difference."""
    try:
        saved = _opened(path)["state_dict"]
    except _Unusable as error:
        raise UserError(f"{path} cannot be continued from: {error}") from error
    difference = _difference(saved, expected)
    if difference:
        raise UserError(
            f"{path} is a checkpoint of another architecture: {difference};"
            " put the right one back, or start this student anew with force=true"
        )


def _sorted_out(
    paths: list[Path], listed: dict[str, Saved] | None
) -> tuple[dict[str, Saved], dict[str, str]]:
    """The good files and what they hold, the others and why they are not."""
    good: dict[str, Saved] = {}
    bad: dict[str, str] = {}
    digests: dict[int, str] = {}  # by inode: two names of one file are read once
    for path in paths:
        try:
            good[path.name] = _examined(path, listed, digests)
        except _Unusable as error:
            bad[path.name] = str(error)
    return good, bad


def _examined(path: Path, listed: dict[str, Saved] | None, digests: dict[int, str]) -> Saved:
    """What the file holds, by the index; without one (`listed` is None), by the file itself."""
    try:
        inode = path.stat().st_ino
        if inode not in digests:
            with path.open("rb") as file:
                digests[inode] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _Unusable(reason(error)) from error
    digest = digests[inode]
    if listed is not None and digest not in listed:
        raise _Unusable(CHANGED)
    content = _opened(path)
    if listed is not None:
        return listed[digest]
    return Saved(content["global_step"], _best(content) if path.name == BEST else None, digest)


def _best(content: dict[str, Any]) -> float | None:
    """The validation loss of best.ckpt, which its own state tells: it was the lowest so far."""
    try:
        return float(content["callbacks"]["Checkpoints"]["best"])
    except (KeyError, TypeError, ValueError):
        return None


def _opened(path: Path) -> dict[str, Any]:
    """The checkpoint, its tensors still on the disk.

    Raises:
        _Unusable: torn, unsafe, or something else than a checkpoint.
    """
    try:
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # torch has no one exception for what is wrong with a file
        raise _Unusable(reason(error) if isinstance(error, OSError) else UNSAFE) from error
    whole = isinstance(content, dict) and isinstance(content.get("state_dict"), dict)
    if not whole or not isinstance(content.get("global_step"), int):
        raise _Unusable(FOREIGN)
    return dict(content)


def _difference(saved: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    for name, value in expected.items():
        if name not in saved:
            return f"it has no {name}"
        here, there = (tuple(getattr(tensor, "shape", ())) for tensor in (value, saved[name]))
        if here != there:
            return f"{name} has shape {there} in it and {here} in this student"
    return next((f"it has {name}, which this student lacks" for name in saved if name not in expected), None)
