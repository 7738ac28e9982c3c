"""The ranks of one student agree whether it begins: the first has checked the line, the others have waited.

They meet in torch's key-value store: torchrun's own, or one that the first rank holds. The first says `end`
with a status, or `begin` with what it is; each of the others answers with what it is; and the first has the
last word, so that a folder that is not shared or another version of a package is told once and ends all.

torchrun keeps its store when it starts the ranks again, and what stood there still does. So a rank asks under
a number of its own and waits for the answer to that, what is said has a name that the next question carries,
and the process group begins under a name never used.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch.distributed import DistError, PrefixStore, Store, TCPStore, init_process_group, rendezvous

from lamini.errors import UserError
from lamini.launching.ticket import differing, versions
from lamini.training.world import World

PATIENCE = 60.0  # seconds until a rank that has nothing left to do but answer counts as gone
LOADING = 1800.0  # seconds in which all ranks have begun, whatever they load; Lightning's own limit
SEEN = 30.0  # seconds until a new file on a shared folder must be seen on all machines
LOOK = 0.05  # seconds between two looks


class Meeting:
    """The store, and what this rank may say in it."""

    def __init__(self, world: World, seconds: float = LOADING) -> None:
        self.world = world
        self.store = _store(world, timedelta(seconds=seconds))
        self.name = ""  # of what was said last
        self.over = False

    def end(self, status: int) -> None:
        """The first rank: nothing will be trained; returns when all have heard it, or soon after."""
        if not self.over:
            self._tell({"end": status}, PATIENCE)
        self.over = True

    def begin(self, folder: Path) -> None:
        """The first rank: everybody trains, in `folder`, which is there.

        Raises:
            UserError: one of them is another version, does not see the folder, or is not there.
        """
        own = _facts(self.world)
        answers = self._tell({"begin": str(folder.resolve()), **own}, LOADING)
        missing = set(range(1, self.world.size)) - answers.keys()
        problems = [_problem(own, json.loads(answers[rank])) for rank in sorted(answers)]
        if missing:
            problems.append(f"rank {min(missing)} has not begun in {LOADING / 60:.0f} minutes")
        if told := next(filter(None, problems), None):
            self.end(2)
            raise UserError(told)
        self._tell({"begin": True}, PATIENCE)

    def follow(self) -> int | None:
        """Another rank: None where the student begins, else the exit status.

        Raises:
            UserError: the first rank has ended without a word.
        """
        first = self._heard()
        if "end" in first:
            self._answer(first, {})
            return int(first["end"])
        folder = Path(first["begin"])
        self._answer(first, _facts(self.world) | {"sees": _sees(folder), "folder": str(folder)})
        last = self._heard()
        self._answer(last, {})
        return int(last["end"]) if "end" in last else None

    def fail(self, problem: str) -> bool:
        """Another rank that cannot go on: whether the first one has the same problem, or is told this one."""
        try:
            first = self._heard(PATIENCE)
            self._answer(first, _facts(self.world) | {"problem": problem})
            if "begin" in first:
                self._answer(self._heard(PATIENCE), {})
        except (DistError, UserError):
            return False
        return True

    def group(self, backend: str) -> None:
        """The process group of those that have agreed to begin."""
        init_process_group(
            backend, store=PrefixStore(self.name, self.store), rank=self.world.rank,
            world_size=self.world.size, timeout=timedelta(seconds=LOADING),
        )  # fmt: skip

    def _tell(self, message: dict[str, Any], seconds: float) -> dict[int, bytes]:
        """Answer everybody who asks with `message`; what those said who have heard it within `seconds`."""
        before, self.name = self.name, secrets.token_hex(8)
        text = json.dumps({**message, "name": self.name})
        told: dict[int, bytes] = {}
        answers: dict[int, bytes] = {}
        end = time.monotonic() + seconds
        while len(answers) < self.world.size - 1 and time.monotonic() < end:
            for rank in set(range(1, self.world.size)) - answers.keys():
                if self.store.check([f"lamini/{self.name}/{rank}"]):
                    answers[rank] = bytes(self.store.get(f"lamini/{self.name}/{rank}"))
                elif self.store.check([f"lamini/ask/{before}/{rank}"]):
                    asked = bytes(self.store.get(f"lamini/ask/{before}/{rank}"))
                    if told.get(rank) != asked:
                        self.store.set(f"lamini/{asked.decode()}", text)
                        told[rank] = asked
            time.sleep(LOOK)
        return answers

    def _heard(self, seconds: float | None = None) -> dict[str, Any]:
        """What the first rank says, however long it takes: it may plan for an hour.

        Raises:
            DistError: it has not said anything in `seconds`.
        """
        key = secrets.token_hex(8)
        try:
            self.store.set(f"lamini/ask/{self.name}/{self.world.rank}", key)
            while True:
                try:
                    self.store.wait([f"lamini/{key}"], timedelta(seconds=PATIENCE))
                    return dict(json.loads(self.store.get(f"lamini/{key}")))
                except DistError as error:
                    if seconds is not None or "tim" not in str(error).lower():  # timeout, timed out
                        raise
        except DistError as error:
            raise UserError(f"the first rank has ended: {str(error).splitlines()[0]}") from error

    def _answer(self, message: dict[str, Any], answer: dict[str, Any]) -> None:
        self.name = str(message["name"])
        self.store.set(f"lamini/{self.name}/{self.world.rank}", json.dumps(answer))


def _store(world: World, timeout: timedelta) -> Store:
    """torchrun's store, or one at MASTER_ADDR:MASTER_PORT that the first rank serves; Lightning joins it."""
    if world.starter == "torchrun":
        return next(rendezvous("env://", timeout=timeout))[0]  # type: ignore[no-any-return]
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    try:
        return TCPStore(
            host, port, is_master=world.rank == 0, timeout=timeout, wait_for_workers=False, multi_tenant=True
        )
    except DistError as error:
        raise UserError(
            f"rank {world.rank} on {socket.gethostname()} cannot meet the first one at {host}:{port}"
            f" ({str(error).splitlines()[0]}); name its host and a free port in MASTER_ADDR and MASTER_PORT"
        ) from error


def _facts(world: World) -> dict[str, Any]:
    return {"rank": world.rank, "host": socket.gethostname(), "versions": versions()}


def _sees(folder: Path) -> bool:
    """Whether the run that the first rank has just begun is here too."""
    end = time.monotonic() + SEEN
    while not (folder / "config.yaml").exists():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _problem(own: dict[str, Any], other: dict[str, Any]) -> str | None:
    """Why a rank cannot work with the first one."""
    who = f"rank {other['rank']} on {other['host']}"
    if "problem" in other:
        return f"{who}: {other['problem']}"
    if different := differing(own["versions"], other["versions"]):
        return f"{who} runs other versions than {own['host']}: {different}; install the same on both"
    if not other["sees"]:
        return (
            f"{who} does not see {other['folder']}, which {own['host']} writes;"
            " paths.output_dir must lie on a folder that all nodes share"
        )
    return None
