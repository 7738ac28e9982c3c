"""Looking at a line from outside while it runs, and at what it says and leaves. No tests of its own."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lamini.runs import RunFolder

PATIENCE = 120.0
FOREVER = (
    "trainer.max_steps=5000",
    "trainer.log_every=1",
    "trainer.checkpoint_every=2",
    "validation.every=5000",
)


def record(folder: Path) -> dict[str, Any]:
    return RunFolder(folder).record()


def statuses(table: str) -> dict[str, str]:
    """run -> status, from the table that ends a line."""
    rows = re.findall(r"^│ (\S+)\s+│ (\w+(?: run)?)\s+│", table.partition("Herd")[2], re.MULTILINE)
    return dict(rows)


def children(pid: int) -> list[int]:
    """All living descendants of a process, from /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = [child for child, parent in parents.items() if parent == pid]
    return found + [deeper for child in found for deeper in children(child)]


def student_of(pid: int) -> int:
    """The child that trains: it leads a process group of its own."""
    (leader,) = (child for child in children(pid) if os.getpgid(child) == child)
    return leader


def until(condition: Callable[[], bool], process: Any = None) -> None:
    """Wait for something that a running line does, or that becomes of one that has ended."""
    end = time.monotonic() + PATIENCE
    while not condition():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > end:
            if process is not None:
                process.kill()
            pytest.fail(f"it never came to it: {process and process.communicate()}")
        time.sleep(0.05)


def saved(folder: Path) -> bool:
    return (folder / "checkpoints" / "last.ckpt").exists()


def holder(folder: Path) -> int:
    """The process on this machine that holds the lock of a run folder."""
    lock = (folder / "lock").resolve()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                if any(file.resolve() == lock for file in (process / "fd").iterdir()):
                    return int(process.name)
    raise LookupError(f"nobody holds {lock}")


def weights(folder: Path) -> bytes:
    """What a student has become, to the last bit."""
    return (folder / "export" / "model.safetensors").read_bytes()
