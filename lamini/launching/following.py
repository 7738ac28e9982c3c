"""Jobs of a SLURM array until the last has left the queue, and why one ended without saying so itself."""

from __future__ import annotations

import pickle
import re
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.launching.slurm_commands import Task, ask
from lamini.runs import RunFolder

FASTEST, SLOWEST = 1.0, 30.0  # seconds between two looks at the queue
ENDINGS = ("done", "failed", "interrupted")  # run.json says it, and the table with it


def follow(look: Callable[[], dict[str, Task]], ended: Callable[[str, Task], None]) -> None:
    """Print every change of the tasks that `look` finds by name, until it finds none.

    `ended` is called with each name that has left the queue and how it was last seen.
    """
    known: dict[str, Task] = {}
    began = time.monotonic()
    while True:
        now = seen(look)
        if now is not None:
            for name, task in now.items():
                if str(task) != str(known.get(name)):
                    print(f"{name}: {task}", flush=True)
            for name in [name for name in known if name not in now]:
                ended(name, known.pop(name))
            known.update(now)
            if not known:
                return
        time.sleep(min(SLOWEST, max(FASTEST, (time.monotonic() - began) / 60)))


def seen(look: Callable[[], dict[str, Task]]) -> dict[str, Task] | None:
    """None where the controller does not answer just now: nothing has ended for that."""
    try:
        return look()
    except UserError as error:
        print(f"{error}; asked again soon", file=sys.stderr, flush=True)
        return None


@dataclass(frozen=True)
class Ended:
    """Explains how the tasks of a sweep in `folder` ended; submitit's files are under `files` (with a %j)."""

    folder: Path
    files: str

    def __call__(self, name: str, task: Task) -> str | None:
        """What run.json does not say about the student `name`, or nothing."""
        log = Path(self.files.replace("%j", task.id)).absolute() / f"{task.id}_0_log.out"
        state, node = _last_seen(task)
        if not log.exists():
            return self._without_trace(state, node)
        if told := _result(log):
            return told
        if RunFolder(self.folder / name).record().get("status") in ENDINGS:
            return None
        return f"the job ended as {state or 'unknown'}; see {log.with_suffix('.err')}"

    def _without_trace(self, state: str, node: str) -> str:
        """SLURM could not even open its log: either it never began, or the folder is not there."""
        if not node:
            return f"the job ended before it began ({state or 'no trace of it'})"
        return (
            f"the job ran on {node} and its log is not in {self.folder.absolute()}: that folder is not shared"
            f" by {socket.gethostname()} and {node}; set paths.output_dir to one that all nodes share"
        )


def _last_seen(task: Task) -> tuple[str, str]:
    """State and node of a task that has ended, as long as the controller remembers it (some minutes)."""
    try:
        told = ask("scontrol", "--oneliner", "show", "job", task.id)
    except UserError:
        return "", task.node
    facts = dict(re.findall(r"(\w+)=(\S*)", told))
    node = facts.get("NodeList", "").replace("(null)", "")
    return facts.get("JobState", ""), node or task.node


def _result(log: Path) -> str | None:
    """What the job returned or raised, from submitit's own file."""
    file = log.with_name(log.name.replace("_log.out", "_result.pkl"))
    try:
        outcome, result = pickle.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    told: Any = result._return_value if outcome == "success" else result  # the property would raise
    return str(told).strip().splitlines()[-1] if told else None
