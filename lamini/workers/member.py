"""A worker: claims one task after another until its line says stop, or is not heard of any more.

Nothing that it prints reaches the line's terminal: it goes to members/<member>.log. A line that was killed
leaves no worker behind that goes on paying a teacher: whoever does not see its number grow ends.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from lamini.errors import UserError
from lamini.launching import ticket
from lamini.workers.board import NOW, Board, Here, Posted, Result, Task

IDLE = 0.1  # seconds between two looks for a task
TICK = 0.5  # seconds between two looks whether the line lives
GONE = 60.0  # seconds without a beat after which it does not


def serve(folder: Path, member: int, badge: str) -> None:
    """Work for the line whose board is `folder`; `badge` is that of its ticket.

    Raises:
        UserError: the folder is not seen here, or the versions here are others than the line's.
    """
    with _printing(folder / "members" / f"{member}.log"):
        try:
            ticket.admit(folder, badge)
        except UserError as error:
            _refuse(folder, member, error)
            raise
        with FileLock(folder / "members" / f"{member}.lock"), _interruptible():
            board, over = Board(folder), threading.Event()
            threading.Thread(target=_watch, args=(board, over, os.getpid()), daemon=True).start()
            with suppress(KeyboardInterrupt):
                _work(board, member, over)


def _refuse(folder: Path, member: int, error: UserError) -> None:
    """Let the line know, where it can be reached."""
    place = folder / "members"
    if place.is_dir():
        (place / f"{member}.refused").write_text(str(error), encoding="utf-8")


def _work(board: Board, member: int, over: threading.Event) -> None:
    group: int | None = None
    for begun in board.begun(member):  # before its job was queued again
        _do(board, begun, member)
    while not over.is_set() and board.stopped() is None:
        posted = board.claim(member, group)
        if posted is None:
            time.sleep(IDLE)
            continue
        group = posted.group
        _do(board, posted, member)


def _do(board: Board, posted: Posted, member: int) -> None:
    task = board.load(posted)
    if task is not None:
        board.finish(posted, _done(board, posted, task, member))


def _done(board: Board, posted: Posted, task: Task, member: int) -> Result:
    """What came of a task; only what ends the whole worker is raised."""
    try:
        function = getattr(importlib.import_module(task.module), task.function)
        return Result(function(Here(board.folder, posted, member), *task.arguments))
    except UserError as error:
        return Result(error=str(error), wrong=True)
    except Exception as error:
        traceback.print_exc()
        lines = str(error).splitlines() or ["no message"]
        return Result(error=f"{type(error).__name__}: {lines[0]}")


def _watch(board: Board, over: threading.Event, process: int) -> None:
    """Signal this process when it is to end: once, and again where it is to drop what it has begun."""
    line, told = multiprocessing.parent_process(), 0
    beat, heard = board.pulse(), time.monotonic()
    while True:
        time.sleep(TICK)
        found = board.pulse()
        if found != beat:
            beat, heard = found, time.monotonic()
        lost = found is None or time.monotonic() - heard > GONE or (line is not None and not line.is_alive())
        wanted = 2 if board.stopped() == NOW else int(lost or board.stopped() is not None)
        while told < wanted:
            told += 1
            over.set()
            os.kill(process, signal.SIGTERM)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM interrupts, and so does SIGUSR2, which submitit lets SLURM send before the time limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {
        signal.SIGTERM: signal.default_int_handler,
        signal.SIGUSR2: lambda *_: os.kill(os.getpid(), signal.SIGTERM),
    }
    old = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _printing(log: Path) -> Iterator[None]:
    """What this process and its libraries print goes to a file."""
    if not log.parent.is_dir():
        yield
        return
    sys.stdout.flush(), sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        for number, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
