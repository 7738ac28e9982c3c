"""Requests of one stage, asked by N workers: what the log lacks is shared out, and what comes goes into it.

    requests -> looked up -> shares by key -> workers, each with a log of its own -> the one log

The line alone writes the request log, while workers ask; so every answer is logged once, and what it does
afterwards (lamini/generation/asked.py) finds the log as if it had asked itself. A share is a part of the keys
and of the money: `lease` dollars that no other share may spend. What a share does not need is shared out anew
in the next round. Requests and tokens a minute and requests in flight are of the whole line: each worker has
its part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from lamini.config import Limits
from lamini.errors import UserError
from lamini.generation.share import LOG, REQUESTS, Ended, Share
from lamini.teacher.lines import request_line
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.merging import Merger
from lamini.teacher.meter import Meter
from lamini.teacher.money import spent
from lamini.teacher.options import Transformers
from lamini.teacher.progress import Progress
from lamini.teacher.protocol import Request, Teacher
from lamini.teacher.stopping import Stopped
from lamini.workers.board import Result, Task
from lamini.workers.pool import Pool

FEW = 200  # requests that are not worth workers: to begin takes them some seconds
SHARE = 1000  # requests of a share: what a dead worker's successor has to look through
MOST = 256  # shares of a round: so many files are open
LOOKUP = 500  # keys looked up in the log at once


class Spreader:
    """The workers of a line, with its log; `set_aside` is what they have given up in this job."""

    def __init__(self, pool: Pool, teacher: Teacher, options: Any, limits: Limits, log: RequestLog,
                 budget: float | None) -> None:  # fmt: skip
        self.pool, self.teacher, self.options, self.log = pool, teacher, options, log
        self.limits, self.budget = limits, budget
        self.few = 1 if isinstance(options, Transformers) else FEW  # whose weights the line need not load
        self.merger = Merger(log)
        self.set_aside: dict[str, Entry] = {}
        self.rounds = 0

    def ask(self, title: str, requests: Iterable[tuple[Any, Request]], total: int | None) -> None:
        """Have workers ask what is worth it; `requests` are gone through once a round.

        Raises:
            UserError: from a worker's teacher, or no worker can begin.
            Stopped: the teacher has fallen silent, or workers died over a share again and again.
        """
        self.set_aside.clear()
        more = True
        while more:
            before = self._answers()
            shares = self._shares(requests, total)
            missing = sum(shares.values())
            more = missing >= self.few and self._bears(missing)
            if more:
                ended = self._round(title, shares, missing)
                more = any(one.lease for one in ended) and self._answers() > before
            elif missing:
                print(
                    f"{title}: {missing:,} requests are asked here, fewer than workers are worth", flush=True
                )
            _remove(shares)

    def close(self) -> None:
        """End the workers; their folder stays where one of them died, for its output."""
        self.pool.close()
        self._merge(Meter(self.options.paid()))
        if not self.pool.troubled:
            self.pool.remove()

    def _shares(self, requests: Iterable[tuple[Any, Request]], total: int | None) -> dict[Path, int]:
        """What the log lacks, in files by key, and how many requests each has."""
        self.rounds += 1
        wanted = -(-total // SHARE) if total is not None else MOST
        number = min(MOST, max(self.pool.workers, wanted))
        place = self.pool.folder / "shares"
        place.mkdir(exist_ok=True)
        files = [place / f"{self.rounds}.{share}{REQUESTS}" for share in range(number)]
        counts = dict.fromkeys(files, 0)
        with ExitStack() as stack:
            streams = [stack.enter_context(file.open("w", encoding="ascii")) for file in files]
            for key, request in self._lacking(requests):
                share = int(key[:8], 16) % number
                streams[share].write(request_line(request))
                counts[files[share]] += 1
        return counts

    def _lacking(self, requests: Iterable[tuple[Any, Request]]) -> Iterator[tuple[str, Request]]:
        source = ((request.key(self.teacher.kind, self.teacher.model), request) for _, request in requests)
        while chunk := list(islice(source, LOOKUP)):
            known = self.log.get([key for key, _ in chunk])
            for key, request in chunk:
                entry = known.get(key)
                answered = entry is not None and (entry.answer is not None or entry.final)
                if not answered and key not in self.set_aside:
                    yield key, request

    def _left(self) -> float | None:
        """Dollars that may still be spent."""
        if self.budget is None:
            return None
        return self.budget - self._cost()

    def _bears(self, missing: int) -> bool:
        """Whether the money is enough for requests that are worth workers, by what they cost so far."""
        left = self._left()
        if left is None:
            return True
        answers = self._answers()
        each = (self._cost() / answers) if answers else 0.0
        return left > 0 and (not each or min(missing, left / each) >= self.few)

    def _answers(self) -> int:
        return self.log.usage(self.teacher.kind, self.teacher.model).answers

    def _cost(self) -> float:
        return spent(self.log, self.teacher.kind, self.teacher.model, self.options.paid()) or 0.0

    def _round(self, title: str, shares: dict[Path, int], missing: int) -> list[Ended]:
        """Have all shares asked as far as their leases go."""
        left, limits = self._left(), parts(self.limits, self.pool.workers)
        tasks = [
            Task("lamini.generation.share", "ask_share", (
                Share(self.options, limits, None if left is None else left * size / missing, file),))
            for file, size in shares.items() if size
        ]  # fmt: skip
        meter = Meter(self.options.paid())
        ended = []
        with Progress(meter, f"{title}, {self.pool.workers} workers {self.pool.crew.where}", missing):
            try:
                for _, result in self.pool.run(tasks, lambda: self._merge(meter)):
                    ended.append(_ended(result))
                self._merge(meter)
            except BaseException:
                self.pool.close()
                self._merge(meter)
                raise
        return ended

    def _merge(self, meter: Meter) -> None:
        """Put into the log what workers have logged."""
        for row in self.merger.take(sorted(self.pool.board.files.glob(f"*{LOG}"))):
            meter.call(row.entry)
            meter.item(row.entry, logged=False)
            if row.entry.answer is None and not row.entry.final:
                self.set_aside[row.key] = row.entry
            else:
                self.set_aside.pop(row.key, None)
        if self.log.trouble is not None:
            raise self.log.trouble


def merge_leftover(log: RequestLog, folder: Path) -> None:
    """Put into the log what the workers of a killed line had logged."""
    rows: Iterator[Row] = Merger(log).take(sorted((folder / "files").glob(f"*{LOG}")))
    found = sum(1 for _ in rows)
    if found:
        print(f"{found:,} answers that workers of an earlier line had logged are in the log now", flush=True)


def parts(limits: Limits, workers: int) -> Limits:
    """What each of the workers may do, so that all together do not pass the limits."""

    def part(value: int | None) -> int | None:
        return None if value is None else value // workers

    return replace(
        limits,
        concurrency=limits.concurrency // workers,
        requests_per_minute=part(limits.requests_per_minute),
        tokens_per_minute=part(limits.tokens_per_minute),
    )


def check(limits: Limits, workers: int) -> None:
    """Raise UserError where a limit leaves nothing for each worker."""
    for name in ("concurrency", "requests_per_minute", "tokens_per_minute"):
        value = getattr(limits, name)
        if value is not None and value < workers:
            raise UserError(
                f"limits.{name}={value} is less than one for each of workers={workers}: take fewer"
            )


def _ended(result: Result) -> Ended:
    """How a share ended.

    Raises:
        UserError, Stopped: it was no good.
    """
    if result.wrong:
        raise UserError(str(result.error))
    if result.error is not None:
        raise Stopped(f"a worker could not ask its share: {result.error}; the same line continues")
    found: Ended = result.value
    if found.stopped is not None:
        raise Stopped(found.stopped)
    return found


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
