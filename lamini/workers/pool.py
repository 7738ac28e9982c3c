"""The line's side of its workers: posts tasks, collects what came of them, replaces workers that die.

    with Pool(crew, place, 4) as pool:
        for number, result in pool.run([Task("lamini.x", "f", (1,)), Task("lamini.x", "f", (2,))]):
            ...

Workers start with the first task and stay until the block ends. Tasks may do the same thing twice (a worker
that is killed has done a part of its task), so each has to know its own earlier attempts (`Here.files`).
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from filelock import FileLock

from lamini.errors import UserError
from lamini.launching import ticket
from lamini.workers.board import NOW, SOON, Board, Posted, Result, Task
from lamini.workers.crews import Crew

TRIES = 3  # workers that may die over one task, and deaths of one worker before it has done any
LOOK = 0.1  # seconds between two looks at the board
BEAT = 1.0  # seconds between two signs of life
TAIL = 4  # lines of a dead worker's log that are shown


class Pool:
    """`workers` workers of a crew around a board in a new folder under `place`.

    `patience` are the seconds that a worker may need to end what it has begun.
    """

    def __init__(self, crew: Crew, place: Path, workers: int, patience: float = 10.0) -> None:
        self.crew, self.workers, self.patience = crew, workers, patience
        self.folder = (place / secrets.token_hex(4)).absolute()
        self.board = Board(self.folder)
        self.left: dict[int, Posted] = {}  # tasks that are not through
        self.tasks: dict[int, Task] = {}
        self.deaths: dict[int, int] = {}  # of a worker, since it last did anything
        self.badge, self.posted, self.troubled = "", 0, False
        self.ended = threading.Event()

    def __enter__(self) -> Pool:
        begun = self.folder.with_name(f".{self.folder.name}")
        try:
            begun.mkdir(parents=True)
            self.lock = FileLock(begun / "line.lock")
            self.lock.acquire()
            begun.rename(self.folder)  # nobody sees it without its lock
            self.board.make()
        except OSError as error:
            raise UserError(f"{self.folder} cannot be made: {error.strerror}") from error
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self.lock.release()

    def remove(self) -> None:
        """Throw the folder away, when nothing in it is needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(
        self, tasks: Sequence[Task], tick: Callable[[], object] = lambda: None
    ) -> Iterator[tuple[int, Result]]:
        """Have all tasks done; (number of a task, what came of it) as they end. `tick` is called in between.

        Raises:
            UserError: no worker can begin: no such cluster, a folder that is not shared, other versions.
        """
        first = self.posted
        self.posted += len(tasks)
        for number, task in enumerate(tasks, start=first):
            self.tasks[number] = task
            self._post(Posted(number, 1, task.group))
        if not self.badge:
            self.badge = ticket.issue(self.folder, self.crew.where, []).badge
            self.crew.start(self.folder, range(self.workers), self.badge)
        while self.left:
            found = list(self._results())
            tick()
            yield from ((number - first, result) for number, result in found)
            if not found:
                yield from ((number - first, result) for number, result in self._bury())
                time.sleep(LOOK)

    def close(self, now: bool = False) -> None:
        """End all workers: they finish what they have begun, or drop it where that takes too long."""
        if self.ended.is_set():
            return
        try:
            self.board.stop(NOW if now else SOON)
            until = time.monotonic() + (0 if now else self.patience)
            while self._busy() and time.monotonic() < until:
                time.sleep(LOOK)
        except KeyboardInterrupt:
            self.board.stop(NOW)
            raise
        finally:
            self.crew.end()
            self.ended.set()

    def _beat(self) -> None:
        count = 0
        while not self.ended.wait(BEAT if count else 0):
            count += 1
            self.board.beat(count)

    def _post(self, posted: Posted) -> None:
        self.left[posted.task] = posted
        self.board.post(posted, self.tasks[posted.task])

    def _results(self) -> Iterator[tuple[int, Result]]:
        for number, posted in list(self.left.items()):
            result = self.board.result(posted)
            if result is not None:
                self.deaths.pop(self.board.claimed(posted) or 0, None)
                self._through(posted)
                yield number, result

    def _through(self, posted: Posted) -> None:
        self.board.withdraw(posted)
        del self.left[posted.task], self.tasks[posted.task]

    def _busy(self) -> bool:
        """Whether a living worker has begun something that is not through."""
        self.crew.ended()
        living = self.crew.members()
        return any(
            self.board.claimed(posted) in living and self.board.result(posted) is None
            for posted in self.left.values()
        )

    def _bury(self) -> Iterator[tuple[int, Result]]:
        """Give what dead workers had begun to others, and start new ones; tasks that are given up."""
        for member, how in self.crew.ended().items():
            self._refused(member)
            self.deaths[member] = self.deaths.get(member, 0) + 1
            self.troubled = True
            print(f"worker {member} {how}{self._said(member)}", flush=True)
            yield from self._passed_on(member, how)
            if not self.left:
                return
            if self.deaths[member] >= TRIES:
                raise UserError(
                    f"worker {member} ended {TRIES} times before it had done anything{self._why(member)}"
                )
            self.crew.start(self.folder, [member], self.badge)

    def _passed_on(self, member: int, how: str) -> Iterator[tuple[int, Result]]:
        for number, posted in list(self.left.items()):
            if self.board.claimed(posted) != member or self.board.result(posted) is not None:
                continue
            self.board.withdraw(posted)
            if posted.attempt < TRIES:
                self._post(Posted(posted.task, posted.attempt + 1, posted.group))
                continue
            del self.left[posted.task], self.tasks[posted.task]
            yield number, Result(error=f"{TRIES} workers died over it, the last {how}")

    def _refused(self, member: int) -> None:
        """Raise UserError where the worker would not begin."""
        file = self.folder / "members" / f"{member}.refused"
        if file.exists():
            raise UserError(file.read_text(encoding="utf-8"))

    def _why(self, member: int) -> str:
        log = self._log(member)
        if log.exists():
            return f"; its output is in {log}"
        return f", nor seen {self.folder}: that must be a folder which workers {self.crew.where} share"

    def _log(self, member: int) -> Path:
        return self.folder / "members" / f"{member}.log"

    def _said(self, member: int) -> str:
        """The last lines of its output."""
        try:
            lines = self._log(member).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "".join(f"\n  {line}" for line in lines[-TAIL:])
