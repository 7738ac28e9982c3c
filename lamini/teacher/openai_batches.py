"""`ask` through the provider's batch API: half the price, hours of patience.

    source -> looked up in the log -> budget -> file -> batch ... answers -> log -> outcome

The log knows of every batch before it exists and until all its answers are in the log. A process that was
killed finds its batches again, sends nothing twice, and fetches what the provider finished meanwhile. What a
batch left unanswered (expired, rate-limited, server errors) goes into a later one, `limits.tries` times.

The price of patience is memory: requests are held while their batch is open, at most `OPEN` files of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from itertools import islice
from typing import Generic, TypeVar

from lamini.config import Limits
from lamini.errors import UserError
from lamini.teacher.asking import LOOKUP, Outcome
from lamini.teacher.batch_api import ENDED, BatchAPI, State, meaning
from lamini.teacher.batch_files import (
    INTENT,
    MOST_REQUESTS,
    Draft,
    Sent,
    key_in,
    line_of,
    new_intent,
)
from lamini.teacher.calling import Backoff
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.meter import Meter
from lamini.teacher.money import Budget, Expected, about_tokens, dollars, spent
from lamini.teacher.openai_compatible import OpenAICompatible
from lamini.teacher.prices import BATCHED
from lamini.teacher.protocol import Request, Transient
from lamini.teacher.stopping import Interruption, Stopped

T = TypeVar("T")
OPEN = 8  # batches at a time
POLL = 30.0  # seconds between two looks
KEPT = 500  # answers of one write to the log
REFUSED = "batch_failed"  # as a whole, so that no try was made
TOO_MUCH = "token_limit_exceeded"  # the provider's word for: too many tokens in open batches


async def ask_in_batches(
    teacher: OpenAICompatible,
    requests: Iterable[tuple[T, Request]],
    log: RequestLog,
    limits: Limits,
    *,
    meter: Meter,
    budget: float | None = None,
    tokens: Callable[[Request], int] = about_tokens,
    interruption: Interruption | None = None,
    backoff: Backoff | None = None,
    poll: float = POLL,
    most: int = MOST_REQUESTS,
) -> AsyncGenerator[tuple[T, Outcome], None]:
    """Outcomes of all requests, as `ask` gives them; `meter.prices` are those of the batch API.

    Raises:
        UserError: the endpoint has no batch API or refuses a whole batch; the log or the budget.
        Stopped: the budget is used up, the provider cannot be reached, or a signal came. Open batches go on
            at the provider, and the same line fetches them.
    """
    job: _Job[T] = _Job(teacher, log, limits, meter, budget, Expected(tokens), backoff or Backoff(), most)
    with interruption.telling(job.interrupt) if interruption else nullcontext():
        await job.recover()
        source, more = iter(requests), True
        while more or job.queue or job.draft.sent or job.open:
            if job.stopping.is_set():
                raise Stopped(f"interrupted; {len(job.open)} batches go on, the same line fetches them")
            if more and not job.queue and len(job.open) < job.allowed:
                more = await job.take(source)
                await job.send(last=False)
            else:
                await job.send(last=not more)
                if job.open and not await job.collect():
                    await job.pause(poll)
            while job.ready:
                yield job.ready.popleft()


class _Job(Generic[T]):
    """One call of `ask_in_batches`."""

    def __init__(
        self, teacher: OpenAICompatible, log: RequestLog, limits: Limits, meter: Meter, budget: float | None,
        expected: Expected, backoff: Backoff, most: int,
    ) -> None:  # fmt: skip
        self.teacher, self.log, self.meter, self.expected = teacher, log, meter, expected
        self.api = BatchAPI(teacher, limits.tries, backoff)
        self.tries, self.most, self.allowed = limits.tries, most, OPEN
        self.budget = Budget(budget, meter.prices, self.spent())
        self.reserved = 0.0  # dollars that what is on its way may cost
        self.waiting: dict[str, list[T]] = {}  # items by key, of all that is on its way
        self.queue: deque[tuple[str, Request]] = deque()  # looked up, and in no file yet
        self.draft = Draft(most)
        self.open: dict[str, dict[str, Sent]] = {}  # by batch: what is not answered yet
        self.failures: Counter[str] = Counter()  # by key
        self.broken: Counter[str] = Counter()  # files that broke off, by batch
        self.ready: deque[tuple[T, Outcome]] = deque()
        self.stopping = asyncio.Event()

    def spent(self) -> float:
        """Dollars of this log's answers; `meter.prices` are the batch API's, single calls cost more."""
        single = self.meter.prices.times(1 / BATCHED)
        return spent(self.log, self.teacher.kind, self.teacher.model, single) or 0.0

    def interrupt(self, at_once: bool) -> None:
        """A signal: nothing is lost by stopping."""
        self.stopping.set()

    async def pause(self, seconds: float) -> None:
        """Wait, unless a signal comes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def recover(self) -> None:
        """Find the batches of a job that was killed, those included of which it did not hear itself."""
        rows = self.log.open_batches(self.teacher.kind, self.teacher.model)
        batches = {id: keys for id, keys in rows if not id.startswith(INTENT)}
        for intent, keys in rows:
            if intent.startswith(INTENT):
                id = await self.api.find(intent)
                if id is not None and id not in batches:
                    batches[id] = keys
                    self.log.add_batch(id, self.teacher.kind, self.teacher.model, keys)
                self.log.close_batch(intent)
        for id, keys in batches.items():
            requests = await self.api.requests(id)
            self.open[id] = {key: self.reserve(requests[key]) for key in keys if key in requests}
            self.waiting.update((key, []) for key in self.open[id])

    def price(self, request: Request) -> float:
        """Dollars that a request may cost at most."""
        return dollars(self.meter.prices, *self.expected.of(request)) or 0.0

    def reserve(self, request: Request) -> Sent:
        """The request with its price, which counts against the budget from now on."""
        price = self.price(request)
        self.reserved += price
        return Sent(request, price)

    def bears(self, request: Request) -> bool:
        """Whether the budget bears another request beside all that is on its way."""
        budget = self.budget
        return budget.usd is None or budget.spent + self.reserved + self.price(request) <= budget.usd

    async def take(self, source: Iterator[tuple[T, Request]]) -> bool:
        """Look up some requests and queue what is new; False at the end of the source."""
        chunk = list(islice(source, LOOKUP))
        fresh: dict[str, tuple[list[T], Request]] = {}
        for item, request in chunk:
            key = request.key(self.teacher.kind, self.teacher.model)
            if key in self.waiting:
                self.waiting[key].append(item)
            else:
                fresh.setdefault(key, ([], request))[0].append(item)
        found = await asyncio.to_thread(self.log.get, list(fresh)) if fresh else {}
        for key, (items, request) in fresh.items():
            self.waiting[key] = items
            entry = found.get(key)
            set_aside = self.failures[key] >= self.tries  # in this job
            if entry is not None and (entry.answer is not None or entry.final or set_aside):
                self.resolve(key, entry, logged=True)
            else:
                self.queue.append((key, request))
        return bool(chunk)

    async def send(self, last: bool) -> None:
        """Write what is queued into files, and submit each that is full, or the last one.

        Raises:
            UserError, Stopped: see `Budget.room`; nothing is open then.
        """
        while self.queue and len(self.open) < self.allowed:
            key, request = self.queue[0]
            line = line_of(key, request, self.teacher.body(request))
            bears = self.bears(request)
            if self.draft.sent and not (bears and self.draft.takes(line)):
                await self.submit()
            elif not bears and self.open:
                return  # what is open may cost less than is reserved
            else:
                if not bears:
                    await self.budget.room(self.expected.of(request))  # says why not
                self.queue.popleft()
                self.draft.add(key, self.reserve(request), line)
        if last and self.draft.sent and not self.queue and len(self.open) < self.allowed:
            await self.submit()

    async def submit(self) -> None:
        """Hand the file over; the log hears of it first."""
        draft, kind, model = self.draft, self.teacher.kind, self.teacher.model
        keys, intent = list(draft.sent), new_intent()
        await asyncio.to_thread(self.log.add_batch, intent, kind, model, keys)
        try:
            id = await self.api.submit(draft.file, intent)
        except UserError:
            self.log.close_batch(intent)  # refused: there is no such batch
            raise
        await asyncio.to_thread(self.log.add_batch, id, kind, model, keys)
        self.log.close_batch(intent)
        draft.file.close()
        self.open[id], self.draft = draft.sent, Draft(self.most)

    async def collect(self) -> bool:
        """Look at all open batches, fetch what has ended; whether any has."""
        ended = False
        for id in list(self.open):
            state = await self.api.state(id)
            if state.status in ENDED:
                ended = await self.fetch(id, state) or ended
        return ended

    async def fetch(self, id: str, state: State) -> bool:
        """Log all answers of a batch; False where a file broke off and has to be fetched again."""
        left = self.open[id]
        if state.status == "failed" and not self.eases(state):
            self.log.close_batch(id)
            raise UserError(
                f"{self.teacher.endpoint.url} refuses a batch ({state.said}); nothing was paid for it"
            )
        results: dict[str, Entry | Transient] = {}
        try:
            for file in state.files:
                async for line in self.api.lines(file):
                    if (key := key_in(line)) in left:
                        results[key] = meaning(line, self.teacher)
                    if len(results) >= KEPT:
                        await self.keep(left, results)
        except Transient as trouble:
            self.broken[id] += 1
            if self.broken[id] >= self.tries:
                raise Stopped(
                    f"answers of batch {id} cannot be read ({trouble}); the same line continues"
                ) from None
            return False
        missing = Transient(f"batch_{state.status}", state.said or "it was left out")
        await self.keep(left, results | {key: missing for key in left if key not in results})
        self.log.close_batch(id)
        del self.open[id]
        return True

    def eases(self, state: State) -> bool:
        """After a batch that was refused as a whole: whether fewer at a time may help."""
        if TOO_MUCH not in state.said or len(self.open) < 2:
            return False
        self.allowed = len(self.open) - 1
        return True

    async def keep(self, left: dict[str, Sent], results: dict[str, Entry | Transient]) -> None:
        """Log results, give their outcomes, queue again what deserves it; `results` is empty afterwards."""
        kind, model = self.teacher.kind, self.teacher.model
        before = await asyncio.to_thread(self.log.get, list(results))  # of a process that was killed here
        rows = []
        for key, result in results.items():
            sent = left.pop(key)
            self.reserved -= sent.price
            if (entry := before.get(key)) is not None and entry.answer is not None:
                self.resolve(key, entry, logged=True)
                continue
            answered = not isinstance(result, Transient)
            if isinstance(result, Transient):
                self.failures[key] += result.kind != REFUSED
                self.meter.faults[result.kind] += 1
                if self.failures[key] < self.tries:
                    self.queue.append((key, sent.request))
                    continue
                result = Entry(None, str(result), final=False)
            rows.append(
                Row(key, kind, model, sent.request, result, self.failures[key] + answered, batched=True)
            )
        results.clear()
        taken = await asyncio.to_thread(self.log.put, rows) if rows else {}
        self.budget.spent = await asyncio.to_thread(self.spent)
        for row in rows:
            self.meter.call(row.entry)
            if row.entry.answer is not None:
                self.expected.learn(row.entry.answer)
            self.resolve(row.key, taken.get(row.key, row.entry), logged=False)
        for row in rows:
            if row.entry.answer is not None:
                self.budget.check(row.entry.answer)

    def resolve(self, key: str, entry: Entry, logged: bool) -> None:
        """Give all items of a key their outcome."""
        answer = entry.answer
        usd = None
        if answer is not None:
            usd = dollars(self.meter.prices, answer.prompt_tokens, answer.response_tokens)
        for number, item in enumerate(self.waiting.pop(key, [])):
            again = logged or number > 0
            self.meter.item(entry, again)
            self.ready.append((item, Outcome(key, answer, entry.failure, again, usd)))
