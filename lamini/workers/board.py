"""The folder through which a line and its workers speak: every message is a small file, written in one step.

    tasks/<task>.<attempt>.<group>     what is to be done; another attempt has a file of its own
    claims/<task>.<attempt>            whose it is: made by whoever is first
    results/<task>.<attempt>           what came of it
    members/<member>.lock, .log        held while a worker lives; what it printed
    files/<task>.<attempt>*            what tasks write themselves
    alive                              a number that grows as long as the line lives
    stop                               soon: end what is begun; now: drop it

A claim is a file that can be made once (O_EXCL), which network file systems keep to.
"""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamini.runs import write_atomically

FOLDERS = ("tasks", "claims", "results", "members", "files")
SOON, NOW = "soon", "now"


@dataclass(frozen=True)
class Task:
    """`module.function(here, *arguments)`; workers keep to tasks of one group while there are any."""

    module: str
    function: str
    arguments: tuple[Any, ...]
    group: int = 0


@dataclass(frozen=True)
class Result:
    """What came of a task: a value, or an error in one sentence; `wrong`: it was a UserError."""

    value: Any = None
    error: str | None = None
    wrong: bool = False


@dataclass(frozen=True, order=True)
class Posted:
    """One attempt at a task, as its file is named."""

    task: int
    attempt: int
    group: int

    @property
    def name(self) -> str:
        """Of claim and result."""
        return f"{self.task:06d}.{self.attempt}"

    @staticmethod
    def named(name: str) -> Posted:
        """The attempt behind `000012.1.3`."""
        task, attempt, group = name.split(".")
        return Posted(int(task), int(attempt), int(group))


@dataclass(frozen=True)
class Here:
    """Where a task runs: what its function is given first."""

    folder: Path
    posted: Posted
    member: int

    def file(self, ending: str, attempt: int | None = None) -> Path:
        """A file of this task's own; that of an earlier attempt, which a dead worker wrote, by its number."""
        number = self.posted.attempt if attempt is None else attempt
        return self.folder / "files" / f"{self.posted.task:06d}.{number}{ending}"

    def files(self, ending: str) -> list[Path]:
        """Those of all attempts up to this one that are there."""
        every = (self.file(ending, attempt) for attempt in range(1, self.posted.attempt + 1))
        return [file for file in every if file.exists()]


class Board:
    """The messages in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks, self.claims, self.results, self.members, self.files = (folder / f for f in FOLDERS)

    def make(self) -> None:
        """An empty board."""
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True)

    def post(self, posted: Posted, task: Task) -> None:
        """Put a task up.

        Raises:
            UserError: the folder cannot be written.
        """
        write_atomically(self.tasks / f"{posted.name}.{posted.group}", pickle.dumps(task))

    def withdraw(self, posted: Posted) -> None:
        """Take it down: done, or given up."""
        (self.tasks / f"{posted.name}.{posted.group}").unlink(missing_ok=True)

    def claim(self, member: int, group: int | None) -> Posted | None:
        """The next task for a worker that had one of `group` before; None where there is none to be had."""
        open_ = [Posted.named(name) for name in os.listdir(self.tasks) if not name.startswith(".")]
        taken = set(os.listdir(self.claims))
        groups = {posted.group for posted in open_ if posted.name in taken}
        free = [posted for posted in open_ if posted.name not in taken]
        for posted in sorted(free, key=_order(free, groups, group)):
            try:
                descriptor = os.open(self.claims / posted.name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "w") as file:
                file.write(str(member))
            return posted
        return None

    def begun(self, member: int) -> list[Posted]:
        """What a worker has claimed and not finished: its job was killed, and begins anew."""
        open_ = [Posted.named(name) for name in os.listdir(self.tasks) if not name.startswith(".")]
        return [
            posted
            for posted in sorted(open_)
            if self.claimed(posted) == member and self.result(posted) is None
        ]

    def load(self, posted: Posted) -> Task | None:
        """What is to be done; None where the line has taken it down meanwhile."""
        try:
            task: Task = pickle.loads((self.tasks / f"{posted.name}.{posted.group}").read_bytes())
        except FileNotFoundError:
            return None
        return task

    def claimed(self, posted: Posted) -> int | None:
        """The member whose it is; -1 where that is just being written."""
        try:
            text = (self.claims / posted.name).read_text()
        except FileNotFoundError:
            return None
        return int(text) if text else -1

    def finish(self, posted: Posted, result: Result) -> None:
        """Say what came of a task."""
        write_atomically(self.results / posted.name, pickle.dumps(result))

    def result(self, posted: Posted) -> Result | None:
        """What came of a task, if it is through."""
        try:
            result: Result = pickle.loads((self.results / posted.name).read_bytes())
        except FileNotFoundError:
            return None
        return result

    def beat(self, count: int) -> None:
        """The line lives."""
        write_atomically(self.folder / "alive", str(count))

    def pulse(self) -> str | None:
        """What `beat` wrote last; None where the board is gone."""
        try:
            return (self.folder / "alive").read_text()
        except OSError:
            return None

    def stop(self, how: str) -> None:
        """Tell every worker to end."""
        write_atomically(self.folder / "stop", how)

    def stopped(self) -> str | None:
        """SOON, NOW, or None."""
        try:
            return (self.folder / "stop").read_text()
        except OSError:
            return None


def _order(free: list[Posted], begun: set[int], group: int | None) -> Callable[[Posted], tuple[Any, ...]]:
    """Tasks of a worker's own group first, then groups that nobody has begun, then the one with most left."""
    left = Counter(posted.group for posted in free)
    return lambda posted: (
        posted.group != group, posted.group in begun, -left[posted.group], posted.group, posted.task,
    )  # fmt: skip
