"""A judge behind OpenAI's protocol on loopback, in a thread: what it says to an answer is up to the test."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.teacher.endpoint import Endpoint, Reply, Seen, completion, serving

ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


class Judge(Endpoint):
    """`say(answer, time)` gives the words about an answer the n-th time it is judged, from 0; or a Reply.

    `pattern` finds the answer in what the judge is asked.
    """

    def __init__(self, say: Callable[[str, int], str | Reply], pattern: re.Pattern[str] = ANSWER) -> None:
        super().__init__()
        self.pattern = pattern
        self.say, self.times = say, dict[str, int]()
        self.temperatures: list[float | None] = []

    def reply(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        body = seen.json()
        (found,) = self.pattern.findall(body["messages"][-1]["content"])
        self.temperatures.append(body.get("temperature"))
        time = self.times[found] = self.times.get(found, -1) + 1
        said = self.say(found, time)
        return said if isinstance(said, Reply) else completion(said)


@contextmanager
def judging(say: Callable[[str, int], str | Reply], pattern: re.Pattern[str] = ANSWER) -> Iterator[Judge]:
    """Serve while the block runs; `judge.url` is the teacher's base_url."""
    judge, ready, done = Judge(say, pattern), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(judge):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield judge
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
