"""Teachers that do as they are told, and the arguments of `ask` that most tests share."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from lamini.config import Limits
from lamini.teacher.asking import Outcome, ask
from lamini.teacher.calling import Backoff
from lamini.teacher.log import RequestLog
from lamini.teacher.meter import Meter
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import STOP, Answer, Message, Request, Sampling, Transient

SOON = Backoff(first=0.001, longest=0.01)
FAULTS = ("rate_limit", "server", "connection", "timeout", "truncated")


def limits(**changed: Any) -> Limits:
    """Limits of a test: 8 slots, six tries, ten seconds."""
    usual: dict[str, Any] = {
        "concurrency": 8, "requests_per_minute": None, "tokens_per_minute": None, "tries": 6, "timeout": 10.0,
    }  # fmt: skip
    return Limits(**{**usual, **changed})


def question(text: object, max_tokens: int | None = None, sample: int = 0) -> Request:
    """One user turn."""
    return Request((Message("user", str(text)),), Sampling(max_tokens=max_tokens), sample)


def questions(n: int) -> Iterable[tuple[int, Request]]:
    """Questions 0, 1, ..., each with its number."""
    return ((number, question(number)) for number in range(n))


class Scripted:
    """Echoes the question after `delay` seconds; 10 prompt and 5 response tokens each.

    `script[text]` is what happens first: exceptions are raised in turn, then the answer comes. `share` of the
    calls meet one of the faults, drawn from a seed.
    """

    kind, model = "scripted", "echo"

    def __init__(
        self, delay: float = 0.0, script: dict[str, list[BaseException]] | None = None, share: float = 0.0
    ) -> None:
        self.delay, self.script, self.share, self.rng = delay, script or {}, share, random.Random(7)
        self.calls: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.flying = self.most = 0

    async def answer(self, request: Request) -> Answer:
        text = request.messages[-1].content
        self.calls[text] += 1
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await asyncio.sleep(self.delay)
            if waiting := self.script.get(text):
                raise waiting.pop(0)
            if self.rng.random() < self.share:
                kind = self.rng.choice(FAULTS)
                self.faults[kind] += 1
                raise Transient(kind, "injected", after=0.001 if kind == "rate_limit" else None)
            self.answers[text] += 1
            return Answer(f"echo {text}", STOP, 10, 5, "echo-1", raw=f'{{"text": "echo {text}"}}')
        finally:
            self.flying -= 1

    async def close(self) -> None:
        """Nothing to give back."""


def meter(prompt: float | None = 0.0, response: float | None = 0.0) -> Meter:
    """A meter with prices per million tokens."""
    return Meter(Prices(prompt, response))


async def gather(teacher: Any, requests: Iterable[tuple[Any, Request]], log: RequestLog, **more: Any
                 ) -> list[tuple[Any, Outcome]]:  # fmt: skip
    """All outcomes of one job, with short pauses."""
    more = {"meter": meter(), "backoff": SOON, "limits": limits(), **more}
    async with aclosing(ask(teacher, requests, log, **more)) as outcomes:
        return [outcome async for outcome in outcomes]


def run(teacher: Any, requests: Iterable[tuple[Any, Request]], path: Path, **more: Any
        ) -> list[tuple[Any, Outcome]]:  # fmt: skip
    """The same from the outside, with the log at `path`."""
    with RequestLog(path) as log:
        return asyncio.run(gather(teacher, requests, log, **more))


def digest(path: Path) -> str:
    """Of a file's bytes: whether somebody changed it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def logged(path: Path) -> set[str]:
    with RequestLog(path) as log:
        return {row.request.messages[0].content for row in log.rows()}
