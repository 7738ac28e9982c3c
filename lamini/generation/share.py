"""What a worker of generate.py does: asks the teacher a share of the requests, into a log of its own.

The teacher is built once a worker. A worker that took over from a dead one finds its log and asks only what
is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lamini.config import Limits
from lamini.teacher.asking import ask
from lamini.teacher.lines import request_in
from lamini.teacher.meter import Meter
from lamini.teacher.money import TooSmall, UsedUp
from lamini.teacher.protocol import Request, Teacher
from lamini.teacher.stopping import Interruption, Stopped
from lamini.teacher.worker_log import WorkerLog
from lamini.workers.board import Here

LOG = ".jsonl"  # how the file of a worker ends
REQUESTS = ".requests"  # and that of what it is to ask


@dataclass(frozen=True)
class Share:
    """How a share is asked: `limits` are the worker's part, `lease` its part of the budget in dollars."""

    teacher: Any  # a dataclass of lamini.teacher.options
    limits: Limits
    lease: float | None
    requests: Path


@dataclass(frozen=True)
class Ended:
    """How a share ended: with all of it asked, with its lease used up, or `stopped` for a reason."""

    lease: bool = False
    stopped: str | None = None


def ask_share(here: Here, share: Share) -> Ended:
    """Ask all of it.

    Raises:
        UserError: from the teacher or the log.
    """
    with Interruption().listening() as interruption, WorkerLog(here.file(LOG), here.files(LOG)) as kept:
        try:
            _runner().run(_asked(share, kept, interruption))
        except (UsedUp, TooSmall):
            return Ended(lease=True)
        except Stopped as error:
            if interruption.number is not None:  # of this worker: another one goes on
                raise KeyboardInterrupt from error
            return Ended(stopped=str(error))
    return Ended()


async def _asked(share: Share, log: WorkerLog, interruption: Interruption) -> None:
    limits, meter = share.limits, Meter(share.teacher.paid())
    teacher = _teacher(repr(share.teacher), share)
    outcomes = ask(
        teacher,
        _read(share.requests),
        log,
        limits,
        meter=meter,
        budget=share.lease,
        interruption=interruption,
    )
    async with aclosing(outcomes):
        async for _ in outcomes:
            pass


def _read(file: Path) -> Iterator[tuple[None, Request]]:
    with file.open(encoding="ascii") as lines:
        for line in lines:
            yield None, request_in(line)


@cache
def _runner() -> asyncio.Runner:
    """Connections live in one event loop."""
    return asyncio.Runner()


_teachers: dict[str, Teacher] = {}


def _teacher(name: str, share: Share) -> Teacher:
    """That of this process, built with its first share."""
    if name not in _teachers:
        limits = share.limits
        _teachers[name] = share.teacher.build(share.requests, limits.timeout, limits.concurrency)
    return _teachers[name]
