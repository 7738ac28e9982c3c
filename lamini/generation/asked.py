"""One teacher and one log: what the stages of a job share, and the two ways to use them.

`ask` sends what the log does not hold and waits; `found` reads the log alone. A stage asks first, in whatever
order answers come, and writes afterwards in its own order: the same job gives the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

from lamini.config import GenerateConfig
from lamini.generation.spreading import Spreader, merge_leftover
from lamini.teacher.asking import Outcome, ask
from lamini.teacher.log import Entry, RequestLog
from lamini.teacher.meter import Meter
from lamini.teacher.options import OpenAI, Replay, Transformers
from lamini.teacher.progress import Progress
from lamini.teacher.protocol import Answer, Request, Teacher
from lamini.teacher.stopping import Interruption
from lamini.workers.crews import Crew
from lamini.workers.leftovers import take_over
from lamini.workers.pool import Pool

T = TypeVar("T")
LOOKUP = 500  # keys looked up in the log at once
ENDING = 10.0  # seconds that a worker needs to end, beside those of a request


class Asked:
    """A job's teacher with its log and limits; with a `spreader` workers ask what is worth it."""

    def __init__(
        self, config: GenerateConfig, teacher: Teacher, log: RequestLog, interruption: Interruption,
        runner: asyncio.Runner, spreader: Spreader | None = None,
    ) -> None:  # fmt: skip
        self.config, self.teacher, self.log = config, teacher, log
        self.interruption, self.runner, self.spreader = interruption, runner, spreader

    def ask(
        self,
        title: str,
        requests: Iterable[tuple[T, Request]],
        total: int | None,
        take: Callable[[T, Outcome], object],
    ) -> None:
        """Have all requests answered and logged, with progress shown; `take` sees each outcome as it comes.

        With workers, `requests` are gone through several times.

        Raises:
            UserError, Stopped: as `lamini.teacher.asking.ask` and `Spreader.ask`.
        """
        if self.spreader is not None:
            self.spreader.ask(title, requests, total)
        meter = Meter(self.config.teacher.paid())

        async def run() -> None:
            async with aclosing(self._outcomes(requests, meter)) as outcomes:
                async for item, outcome in outcomes:
                    take(item, outcome)

        with Progress(meter, title, total):
            self.runner.run(run())

    def _outcomes(
        self, requests: Iterable[tuple[T, Request]], meter: Meter
    ) -> AsyncGenerator[tuple[T, Outcome], None]:
        options, limits, budget = self.config.teacher, self.config.limits, self.config.budget.usd
        if isinstance(options, OpenAI) and options.batch:
            from lamini.teacher.openai_batches import ask_in_batches
            from lamini.teacher.openai_compatible import OpenAICompatible

            batches = cast(OpenAICompatible, self.teacher)
            return ask_in_batches(
                batches, requests, self.log, limits,
                meter=meter, budget=budget, interruption=self.interruption,
            )  # fmt: skip
        return ask(
            self.teacher, requests, self.log, limits, meter=meter, budget=budget,
            interruption=self.interruption, remember=not isinstance(options, Replay),
            set_aside=self.spreader.set_aside if self.spreader else None,
        )  # fmt: skip

    def found(self, requests: Iterable[tuple[T, Request]]) -> Iterator[tuple[T, Request, str, Entry | None]]:
        """Each item with its request, the key and what the log holds under it, in the order given."""
        source = iter(requests)
        while chunk := list(islice(source, LOOKUP)):
            keys = [request.key(self.teacher.kind, self.teacher.model) for _, request in chunk]
            entries = self.log.get(list(dict.fromkeys(keys)))
            for (item, request), key in zip(chunk, keys, strict=True):
                yield item, request, key, entries.get(key)

    def answers(self, calls: Sequence[tuple[T, Request]]) -> Iterator[tuple[str, Entry | None]]:
        """`found` without the items."""
        return ((key, entry) for _, _, key, entry in self.found(calls))


class Later:
    """A teacher that is built when it is first asked: with workers, the line itself may never ask it."""

    def __init__(self, kind: str, model: str, build: Callable[[], Teacher]) -> None:
        self.kind, self.model, self._build = kind, model, build
        self._built: Teacher | None = None

    async def answer(self, request: Request) -> Answer:
        """As the teacher does."""
        self._built = self._built or self._build()
        return await self._built.answer(request)

    async def close(self) -> None:
        """As the teacher does, where there is one."""
        if self._built is not None:
            await self._built.close()


@contextmanager
def asking(
    config: GenerateConfig, interruption: Interruption, crew: Crew | None = None, workers: int = 1
) -> Iterator[Asked]:
    """The teacher of a configuration with its log open; a `crew` lends it so many workers.

    Raises:
        UserError: the log is none of this version, or the teacher cannot be built.
    """
    path = Path(config.log).expanduser()
    limits = config.limits
    boards = path.with_name(f"{path.name}.workers")
    with RequestLog(path) as log, asyncio.Runner() as runner, ExitStack() as stack:
        take_over(boards, limits.timeout, partial(merge_leftover, log))
        teacher = _teacher(config, path, crew is not None)
        stack.callback(lambda: runner.run(teacher.close()))  # connections live in one event loop
        waiting = len(log.open_batches(teacher.kind, teacher.model))
        if waiting and not getattr(config.teacher, "batch", True):
            print(
                f"{waiting} batches of an earlier line are not fetched: teacher.batch=true would", flush=True
            )
        spreader = None
        if crew is not None:
            pool = stack.enter_context(Pool(crew, boards, workers, limits.timeout + ENDING))
            spreader = Spreader(pool, teacher, config.teacher, limits, log, config.budget.usd)
            stack.callback(spreader.close)
        yield Asked(config, teacher, log, interruption, runner, spreader)


def _teacher(config: GenerateConfig, log: Path, later: bool) -> Teacher:
    """The teacher; one with weights only when it is asked, where others do the asking."""
    options, limits = config.teacher, config.limits

    def build() -> Teacher:
        built: Teacher = options.build(log, limits.timeout, limits.concurrency)
        return built

    return Later(*options.logged, build) if later and isinstance(options, Transformers) else build()
