"""Asks a teacher millions of requests: what the log holds is not asked again, what comes is logged first.

    source -> looked up in the log -> budget -> slot -> teacher -> log -> outcome

The task that got an answer makes the next call itself, without a detour over the task that pulls the source:
a slot is to stand empty as briefly as can be.

An outcome is given out only when its row is on disk. Rows are committed many at a time by a thread, and a
slot is free again when its answer has arrived, so that no request waits for the disk. Memory is bounded by
`ROOM` items, however long the source and however slow the consumer. The price: outcomes come in order of
completion.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from lamini.config import Limits
from lamini.teacher.calling import Backoff, Caller, Silence
from lamini.teacher.committing import Committer
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.meter import Meter
from lamini.teacher.money import Budget, Expected, about_tokens, dollars, spent
from lamini.teacher.pace import Pace
from lamini.teacher.protocol import Answer, Request, Teacher
from lamini.teacher.stopping import Interruption, Stopped
from lamini.teacher.worker_log import WorkerLog

T = TypeVar("T")
Log = RequestLog | WorkerLog
LOOKUP = 128  # requests looked up in the log at once
ROOM = 2048  # items between source and consumer, beside one for each slot
OPEN = 4  # requests for each slot that have begun: those between two tries hold no slot


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request: an answer, or `failure` as `kind: detail`.

    `logged`: it came without a call of its own. `usd` is what the answer costs at today's prices, whenever it
    was paid; None where that is not known.
    """

    key: str
    answer: Answer | None
    failure: str | None
    logged: bool
    usd: float | None


async def ask(
    teacher: Teacher,
    requests: Iterable[tuple[T, Request]],
    log: Log,
    limits: Limits,
    *,
    meter: Meter,
    budget: float | None = None,
    tokens: Callable[[Request], int] = about_tokens,
    interruption: Interruption | None = None,
    backoff: Backoff | None = None,
    remember: bool = True,
    set_aside: Mapping[str, Entry] | None = None,
) -> AsyncGenerator[tuple[T, Outcome], None]:
    """Outcomes of all requests, in order of completion, each with the item it came with.

    `requests` is pulled as slots get free. The same key twice is asked once. `budget` is in dollars at the
    prices of `meter`; `tokens` estimates the prompt tokens of a request. With `remember=False` failures are
    not written to the log: a replay must not tell the real teacher that it failed. `set_aside` are keys that
    workers have given up for this job: they are not tried again. Who leaves the loop early closes the
    iterator (contextlib.aclosing): what is in flight is still waited for and logged.

    Raises:
        UserError: from the teacher, the log or the budget; what was in flight has been logged.
        Stopped: the budget is used up, the teacher answers nothing any more, or a signal came.
    """
    job: _Job[T] = _Job(teacher, log, limits, meter, budget, Expected(tokens), backoff or Backoff(), remember)
    job.set_aside.update(set_aside or {})
    with interruption.telling(job.interrupt) if interruption else nullcontext():
        running = asyncio.create_task(job.run(iter(requests)))
        try:
            while not running.done() or job.ready:
                while job.ready:
                    job.room.release()
                    yield job.ready.popleft()
                job.news.clear()
                if not running.done():
                    await job.news.wait()
            running.result()
        finally:
            job.stop(Stopped("nobody wants more"))
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()  # seen: raised above, or of no interest to who left


@dataclass(slots=True)
class _Pending(Generic[T]):
    """A request on its way from lookup to log, with all items that ask for it."""

    key: str
    request: Request
    items: list[T]
    tokens: int = 0  # expected
    price: float = 0.0  # reserved


class _Job(Generic[T]):
    """One call of `ask`: what its feeder, its requests and its committer share."""

    def __init__(
        self, teacher: Teacher, log: Log, limits: Limits, meter: Meter, budget: float | None,
        expected: Expected, backoff: Backoff, remember: bool,
    ) -> None:  # fmt: skip
        self.teacher, self.log, self.meter = teacher, log, meter
        self.expected, self.remember = expected, remember
        self.spent = spent(log, teacher.kind, teacher.model, meter.prices) or 0.0
        self.budget = Budget(budget, meter.prices, self.spent)
        self.caller = Caller(teacher, limits, Pace(limits), meter, backoff)
        self.committer = Committer(log, self.stop, self.count)
        self.room = asyncio.Semaphore(ROOM + limits.concurrency)
        self.slots, self.most_open = limits.concurrency, OPEN * limits.concurrency
        self.waiting: dict[str, _Pending[T]] = {}  # looked up, and not yet in the log
        self.set_aside: dict[str, Entry] = {}  # of this job: not asked again in it
        self.prepared: deque[_Pending[T]] = deque()  # to be sent next
        self.ready: deque[tuple[T, Outcome]] = deque()
        self.news, self.moved = asyncio.Event(), asyncio.Event()
        self.workers: set[asyncio.Task[None]] = set()
        self.sources: list[asyncio.Task[None]] = []  # feeder and sender
        self.error: BaseException | None = None
        self.silence = Silence(f"{teacher.kind} {teacher.model}")

    async def run(self, source: Iterator[tuple[T, Request]]) -> None:
        """The whole job; what ended it early is raised when all that was in flight is in the log."""
        committing = asyncio.create_task(self.committer.run())
        committing.add_done_callback(self.committed)
        try:
            if self.error is None:
                feeder = asyncio.create_task(self.feed(source))
                self.sources = [feeder, asyncio.create_task(self.send(feeder))]
                for task in asyncio.as_completed(self.sources):
                    try:
                        await task
                    except asyncio.CancelledError:
                        if self.error is None:
                            raise
                    except Exception as error:
                        self.stop(error)
            while self.workers:
                await asyncio.wait(self.workers)
            self.committer.close()
            await committing
            if self.error is not None:
                raise self.error
        finally:
            committing.cancel()
            self.news.set()

    def stop(self, error: BaseException) -> None:
        """Send nothing any more, neither new nor again; the first error is the one that is raised."""
        self.error = self.error or error
        self.caller.end()
        for task in self.sources:
            task.cancel()

    def committed(self, committing: asyncio.Task[None]) -> None:
        """The committer ended; where it failed, nothing may wait for it any more."""
        if not committing.cancelled() and (error := committing.exception()) is not None:
            self.stop(error)

    def interrupt(self, at_once: bool) -> None:
        """A signal; `at_once` drops what is in flight."""
        self.stop(Stopped("interrupted; the same line continues"))
        if at_once:
            for worker in self.workers:
                worker.cancel()

    async def feed(self, source: Iterator[tuple[T, Request]]) -> None:
        """Pull, look up, and prepare what is not in the log; one lookup ahead of the slots."""
        while chunk := list(islice(source, LOOKUP)):
            for _ in chunk:
                await self.room.acquire()
            fresh = self.sort(chunk)
            found = await asyncio.to_thread(self.log.get, list(fresh)) if fresh else {}
            for key, pending in fresh.items():
                entry = found.get(key)
                if entry is not None and (entry.answer is not None or entry.final):
                    self.resolve(pending, entry, logged=True)
                else:
                    self.prepared.append(pending)
            self.moved.set()
            while len(self.prepared) > self.slots:
                self.moved.clear()
                await self.moved.wait()

    def sort(self, chunk: list[tuple[T, Request]]) -> dict[str, _Pending[T]]:
        """What nobody waits for yet, by key, entered among the waiting.

        Only here does a key begin to be waited for, and no await stands between the question and the entry: a
        key that leaves in the meantime has been committed before the lookup starts.
        """
        fresh: dict[str, _Pending[T]] = {}
        for item, request in chunk:
            key = request.key(self.teacher.kind, self.teacher.model)
            if key in self.waiting:
                self.waiting[key].items.append(item)
            elif key in self.set_aside:
                self.give(key, item, self.set_aside[key], True)
            else:
                self.waiting[key] = fresh[key] = _Pending(key, request, [item])
        return fresh

    async def send(self, feeder: asyncio.Task[None]) -> None:
        """Start a worker wherever there is a request, money, a slot, and room on the way to the disk."""
        feeder.add_done_callback(lambda _: self.moved.set())
        while self.prepared or not feeder.done():
            if not self.prepared or len(self.workers) >= self.most_open:
                self.moved.clear()
                await self.moved.wait()
                continue
            first = self.prepared[0]
            tokens = self.expected.of(first.request)
            try:
                await self.budget.room(tokens)
            except Stopped:
                if self.prepared and self.prepared[0] is first:
                    raise
                continue  # a worker took it meanwhile
            await self.committer.room()
            await self.caller.pace.free(sum(tokens))
            if (pending := self.next()) is not None:
                worker = asyncio.create_task(self.work(pending))
                self.workers.add(worker)
                worker.add_done_callback(self.left)

    def left(self, worker: asyncio.Task[None]) -> None:
        """A worker found nothing to do any more."""
        self.workers.discard(worker)
        self.moved.set()

    def next(self) -> _Pending[T] | None:
        """The next request with its slot and its reservation, or None where it would have to wait for one."""
        if self.error is not None or not self.prepared or not self.committer.has_room:
            return None
        pending = self.prepared[0]
        tokens = self.expected.of(pending.request)
        price = self.budget.take(tokens)
        if price is None:
            return None
        if not self.caller.pace.take(sum(tokens)):
            self.budget.settle(price, self.spent)
            return None
        pending.tokens, pending.price = sum(tokens), price
        self.moved.set()
        return self.prepared.popleft()

    async def work(self, pending: _Pending[T] | None) -> None:
        """One request after another, as long as there is one that need not wait."""
        while pending is not None:
            await self.call(pending)
            pending = self.next()

    async def call(self, pending: _Pending[T]) -> None:
        """Bring one request to its end and hand it to the committer."""
        try:
            entry, tries = await self.caller.call(pending.request, pending.tokens)
            self.meter.call(entry)
            row = Row(pending.key, self.teacher.kind, self.teacher.model, pending.request, entry, tries)
            if entry.answer is None and not self.remember:
                self.arrived(pending, entry)
            else:
                self.committer.add(row, lambda entry: self.arrived(pending, entry))
            if not entry.final:
                self.set_aside[pending.key] = entry
            if entry.answer is not None:
                self.expected.learn(entry.answer)
                self.budget.check(entry.answer)
            self.silence.note(entry, tries)
        except Exception as error:
            self.stop(error)

    def count(self) -> None:
        """After each commit, in its thread: what the log has cost by now, other processes included."""
        if self.budget.usd is not None:
            kind, model = self.teacher.kind, self.teacher.model
            self.spent = spent(self.log, kind, model, self.meter.prices) or 0.0

    def arrived(self, pending: _Pending[T], entry: Entry) -> None:
        """It is in the log."""
        self.budget.settle(pending.price, self.spent)
        self.resolve(pending, entry, logged=False)

    def resolve(self, pending: _Pending[T], entry: Entry, logged: bool) -> None:
        """Give all its items their outcome; only the first one of a call has had it made."""
        del self.waiting[pending.key]
        for number, item in enumerate(pending.items):
            self.give(pending.key, item, entry, logged or number > 0)

    def give(self, key: str, item: T, entry: Entry, logged: bool) -> None:
        """An outcome for the consumer."""
        answer, usd = entry.answer, None
        if answer is not None:
            usd = dollars(self.meter.prices, answer.prompt_tokens, answer.response_tokens)
        self.meter.item(entry, logged)
        self.ready.append((item, Outcome(key, answer, entry.failure, logged, usd)))
        self.news.set()
