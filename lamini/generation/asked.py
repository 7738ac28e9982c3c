"""One teacher and one log: what the stages of a job share, and the two ways to use them.

`ask` sends what the log does not hold and waits; `found` reads the log alone. A stage asks first, in whatever
order answers come, and writes afterwards in its own order: the same job gives the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

from lamini.config import GenerateConfig
from lamini.teacher.asking import Outcome, ask
from lamini.teacher.log import Entry, RequestLog
from lamini.teacher.meter import Meter
from lamini.teacher.options import OpenAI, Replay
from lamini.teacher.progress import Progress
from lamini.teacher.protocol import Request, Teacher
from lamini.teacher.stopping import Interruption

T = TypeVar("T")
LOOKUP = 500  # keys looked up in the log at once


class Asked:
    """A job's teacher with its log and limits."""

    def __init__(
        self, config: GenerateConfig, teacher: Teacher, log: RequestLog, interruption: Interruption,
        runner: asyncio.Runner,
    ) -> None:  # fmt: skip
        self.config, self.teacher, self.log = config, teacher, log
        self.interruption, self.runner = interruption, runner

    def ask(
        self,
        title: str,
        requests: Iterable[tuple[T, Request]],
        total: int | None,
        take: Callable[[T, Outcome], object],
    ) -> None:
        """Have all requests answered and logged, with progress shown; `take` sees each outcome as it comes.

        Raises:
            UserError, Stopped: as `lamini.teacher.asking.ask`.
        """
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


@contextmanager
def asking(config: GenerateConfig, interruption: Interruption) -> Iterator[Asked]:
    """The teacher of a configuration with its log open.

    Raises:
        UserError: the log is none of this version, or the teacher cannot be built.
    """
    path = Path(config.log).expanduser()
    limits = config.limits
    with RequestLog(path) as log, asyncio.Runner() as runner:  # connections live in one event loop
        teacher = config.teacher.build(path, limits.timeout, limits.concurrency)
        waiting = len(log.open_batches(teacher.kind, teacher.model))
        if waiting and not getattr(config.teacher, "batch", True):
            print(
                f"{waiting} batches of an earlier line are not fetched: teacher.batch=true would", flush=True
            )
        try:
            yield Asked(config, teacher, log, interruption, runner)
        finally:
            runner.run(teacher.close())
