"""Raters' browsers without a screen, all in one process: they post as the page does."""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

AGAIN = 0.2  # seconds before a post that was not answered is tried again
LETTERS = "ABCD"


@dataclass
class Told:
    """What came of it."""

    acknowledged: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # id -> rater, target, level
    latencies: list[float] = field(default_factory=list)  # seconds, of first posts
    pages: list[float] = field(default_factory=list)  # seconds until an item is there
    repeated: int = 0  # posts of an id that was acknowledged before
    recognised: int = 0  # how many of them the server knew
    retried: int = 0  # posts without an answer
    first_known: int = 0  # first posts that the server knew: none, unless an answer was lost


class Rater:
    """One rater's browser without a screen."""

    def __init__(self, name: str, home: str, told: Told, pace: float) -> None:
        self.name, self.home, self.told, self.pace = name, home, told, pace
        self.random = random.Random(name)
        self.count = 0

    async def run(self, begin: asyncio.Event, ready: asyncio.Semaphore, seconds: float) -> None:
        """Join, wait for the others, rate for that long."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address that is a number
        headers = {"origin": self.home}
        async with aiohttp.ClientSession(self.home, cookie_jar=jar, headers=headers) as self.client:
            page = await self.text("GET", "/")
            form = re.findall(r'name="form" value="([^"]+)"', page)[0]
            page = await self.text("POST", "/join", data={"form": form, "name": self.name})
            ready.release()
            await begin.wait()
            end = time.monotonic() + seconds
            await asyncio.sleep(self.random.random() * self.pace)
            while time.monotonic() < end and 'class="card"' in page:
                await self.rate(page, end)
                if time.monotonic() < end:
                    start = time.monotonic()
                    page = await self.text("GET", "/rate")
                    self.told.pages.append(time.monotonic() - start)

    async def rate(self, page: str, end: float) -> None:
        """Rate all that is on a page."""
        item = re.findall(r'data-item="([^"]+)"', page)[0]
        self.form = re.findall(r'data-form="([^"]+)"', page)[0]
        for target in re.findall(r'class="card" id="([^"]+)"', page):
            if time.monotonic() >= end:
                return
            due = time.monotonic() + self.pace * self.random.uniform(0.5, 1.5)
            event = {
                "id": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
                "item": item, "target": target, "level": self.random.choice(LETTERS),
                "note": "", "skipped": False, "flagged": False, "seconds": 1.0,
            }  # fmt: skip
            await self.post(event)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def post(self, event: dict[str, Any]) -> None:
        """Post until it is acknowledged; every tenth once more."""
        told, self.count = self.told, self.count + 1
        start, tries = time.monotonic(), told.retried
        answer = await self.answered(event)
        told.latencies.append(time.monotonic() - start)
        told.first_known += not answer["new"] and tries == told.retried
        told.acknowledged[event["id"]] = (self.name, event["target"], event["level"])
        if self.count % 10 == 0:
            again = await self.answered(event)
            told.repeated += 1
            told.recognised += not again["new"]

    async def answered(self, event: dict[str, Any]) -> dict[str, Any]:
        """What the server says at last."""
        headers = {"x-form-token": self.form}
        while True:
            try:
                async with self.client.post("/ratings", json=event, headers=headers) as answer:
                    if answer.status == 200:
                        told: dict[str, Any] = await answer.json()
                        return told
                    sys.exit(f"{answer.status}: {await answer.text()}")
            except (aiohttp.ClientError, OSError):
                self.told.retried += 1
                await asyncio.sleep(AGAIN)

    async def text(self, method: str, path: str, **how: Any) -> str:
        """A page, also from a server that is away for a moment."""
        while True:
            try:
                async with self.client.request(method, path, **how) as answer:
                    return await answer.text()
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(AGAIN)


async def raters(home: str, count: int, seconds: float, pace: float) -> Told:
    """All of them at once."""
    told, begin, ready = Told(), asyncio.Event(), asyncio.Semaphore(0)
    everyone = [Rater(f"rater {number}", home, told, pace) for number in range(count)]
    running = [asyncio.create_task(one.run(begin, ready, seconds)) for one in everyone]
    for _ in everyone:
        await ready.acquire()
    begin.set()
    await asyncio.gather(*running)
    return told
