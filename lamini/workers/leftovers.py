"""What lines that were killed have left: boards whose line is gone, once their last worker has ended.

A worker that still lives writes what it has begun into its own file; it sees within a minute that its line
is gone, and it is waited for. A board whose line lives belongs to another line, and is left alone.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from lamini.errors import UserError
from lamini.workers.member import GONE

LOOK = 0.2  # seconds between two looks


def take_over(place: Path, patience: float, use: Callable[[Path], object]) -> None:
    """Call `use` with every board under `place` that nobody works at any more, and throw it away.

    `patience` are the seconds that a worker may need to end what it has begun, once it knows.

    Raises:
        UserError: a worker of a line that is gone still lives after that time.
    """
    for folder in sorted(path for path in place.glob("[!.]*") if path.is_dir()):
        lock = FileLock(folder / "line.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue  # its line lives
        try:
            _wait(folder, GONE + patience)
            use(folder)
        finally:
            lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, seconds: float) -> None:
    """Until no worker of the board lives."""
    until, told = time.monotonic() + seconds, False
    (folder / "stop").write_text("soon")
    while alive := [lock for lock in folder.glob("members/*.lock") if _held(lock)]:
        if not told:
            print(f"waiting for {len(alive)} worker(s) of an earlier line to end ...", flush=True)
            told = True
        if time.monotonic() > until:
            raise UserError(f"workers of an earlier line still run ({alive[0]} is held): end them first")
        time.sleep(LOOK)


def _held(file: Path) -> bool:
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True
