"""One request and its tries: a slot, a time limit, and pauses in which the slot is free for others."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from lamini.config import Limits
from lamini.teacher.log import Entry
from lamini.teacher.meter import Meter
from lamini.teacher.pace import Pace
from lamini.teacher.protocol import Answer, Request, Teacher, Transient, Unanswerable
from lamini.teacher.stopping import Stopped

SILENCE = 20  # requests set aside one after another that end a job


@dataclass(frozen=True)
class Backoff:
    """Seconds before another try: between half and all of `first`, of twice that, ..., of `longest`.

    Our own formula and not stamina's loop: between two tries the slot goes to another request, the server's
    Retry-After counts, and the end of a job wakes who waits.
    """

    first: float = 1.0
    longest: float = 60.0

    def seconds(self, tries: int, after: float | None) -> float:
        """The pause after so many tries; never shorter than `after`, which the server asked for."""
        pause = random.uniform(0.5, 1.0) * min(self.longest, self.first * 2.0 ** min(tries - 1, 30))
        return pause if after is None else after + pause / 10 if after > pause else pause


class Silence:
    """Ends a job whose teacher does not answer any more, before all that is left is set aside."""

    def __init__(self, name: str) -> None:
        self.name, self.set_aside = name, 0

    def note(self, entry: Entry, tries: int) -> None:
        """What came of a request.

        Raises:
            Stopped: so many were set aside one after another, without an answer between.
        """
        self.set_aside = 0 if entry.final else self.set_aside + 1
        if self.set_aside >= SILENCE:
            raise Stopped(
                f"{self.name} answered none of the last {SILENCE} requests in {tries} tries each (the last:"
                f" {entry.failure}); the same line continues"
            )


class Caller:
    """Sends requests of one job to its teacher."""

    def __init__(self, teacher: Teacher, limits: Limits, pace: Pace, meter: Meter, backoff: Backoff) -> None:
        self.teacher, self.limits, self.pace, self.meter = teacher, limits, pace, meter
        self.backoff = backoff
        self.resting: set[asyncio.Task[None]] = set()  # tasks between two tries
        self.ended = False
        self._turn = asyncio.Lock()

    def end(self) -> None:
        """Try nothing again: who rests is cancelled, and so is whoever wants to rest from now on."""
        self.ended = True
        for task in self.resting:
            task.cancel()

    async def call(self, request: Request, tokens: int) -> tuple[Entry, int]:
        """What came of a request that has its slot, and how many calls it took.

        Raises:
            UserError: from the teacher; so does whatever else it raises that is not in its protocol.
        """
        tries = 0
        while True:
            tries += 1
            try:
                return Entry(await self._try(request, tokens)), tries
            except Unanswerable as error:
                return Entry(None, str(error), final=True), tries
            except Transient as error:
                self.meter.faults[error.kind] += 1
                if tries >= self.limits.tries:
                    return Entry(None, str(error), final=False), tries
                pause = self.backoff.seconds(tries, error.after)
            await self._rest(pause, tokens)

    async def _try(self, request: Request, tokens: int) -> Answer:
        """One call; whatever comes of it, the slot is free afterwards."""
        fault, used = None, 0
        try:
            await self._one_at_a_time()
            async with asyncio.timeout(self.limits.timeout):
                answer = await self.teacher.answer(request)
            told = answer.prompt_tokens is not None and answer.response_tokens is not None
            used = (answer.prompt_tokens or 0) + (answer.response_tokens or 0) if told else tokens
            return answer
        except TimeoutError:
            fault, used = "timeout", tokens
            raise Transient("timeout", f"no answer within {self.limits.timeout:g} seconds") from None
        except Transient as error:
            fault = error.kind
            raise
        finally:
            self.pace.leave(tokens - used, fault)

    async def _one_at_a_time(self) -> None:
        """Let one request a round of the event loop go.

        Answers that arrive together are handled together, and aiohttp writes to a socket one round later:
        their successors would all leave at the end, come back together, and so on, and the slots stand empty.
        """
        await self._turn.acquire()
        asyncio.get_running_loop().call_soon(self._turn.release)

    async def _rest(self, pause: float, tokens: int) -> None:
        """Without a slot until the next try; a job that ends cancels who rests."""
        if self.ended:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None
        self.resting.add(task)
        self.meter.resting = len(self.resting)
        try:
            await asyncio.sleep(pause)
            await self.pace.enter(tokens)
        finally:
            self.resting.discard(task)
            self.meter.resting = len(self.resting)
