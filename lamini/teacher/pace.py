"""How many requests may be on their way, and how soon the next one may leave.

Three bounds at once: a number in flight that follows what the teacher bears, requests a minute and tokens a
minute. The number starts at the limit the user set, shrinks by half the share of requests that were pushed
back (as DCTCP does, Alizadeh et al. 2010) and grows again by a twentieth of the limit a round. A round is as
many outcomes as there are slots, and below a tenth nothing shrinks: one stray 429 says nothing about load.

The buckets are our own 20 lines: aiolimiter lets a whole minute's worth leave at once and cannot take back
what an estimate had too much.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from lamini.config import Limits
from lamini.errors import UserError

PUSHED_BACK = {"rate_limit", "timeout", "http_503", "http_529"}  # kinds that say: too much at once
STRAY = 0.1  # share of a round that is pushed back without meaning anything
SHORTEST = 10  # outcomes that make a round however few slots there are
MOST = 10_000  # requests in flight
GROWTH = 0.05  # of the limit, a round


def check(limits: Limits) -> None:
    """Refuse what can never work.

    Raises:
        UserError: a limit that is not positive, or absurd.
    """
    numbers = {"requests_per_minute": 1, "tokens_per_minute": 1, "tries": 1, "concurrency": 1}
    for name, least in numbers.items():
        value = getattr(limits, name)
        if value is not None and value < least:
            raise UserError(f"limits.{name}={value} must be at least {least}")
    if limits.concurrency > MOST:
        raise UserError(
            f"limits.concurrency={limits.concurrency} is more than {MOST:,}, which one process bears"
        )
    if not 0 < limits.timeout < float("inf"):
        raise UserError(f"limits.timeout={limits.timeout:g} must be a number of seconds above 0")


class Bucket:
    """So many units a minute, at most one second's worth at once; null: no bound."""

    def __init__(self, per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.rate = clock, (per_minute or 0) / 60
        self.burst = self.level = max(1.0, self.rate)
        self.told = clock()

    def delay(self, units: float) -> float:
        """Seconds until `units` may be taken; more than the bucket holds may be when it is full."""
        if not self.rate:
            return 0.0
        now = self.clock()
        self.level = min(self.burst, self.level + (now - self.told) * self.rate)
        self.told = now
        missing = min(units, self.burst) - self.level
        return missing / self.rate if missing > 1e-9 * self.burst else 0.0  # rounding is no reason to wait

    def take(self, units: float) -> None:
        """Take units, or, negative, put back what was taken too many; the level may fall below nothing."""
        self.level -= units


class Pace:
    """The slots. `allowed` is how many there are now, `flying` how many are taken."""

    def __init__(self, limits: Limits) -> None:
        self.most, self.allowed, self.flying = limits.concurrency, float(limits.concurrency), 0
        self.requests, self.tokens = Bucket(limits.requests_per_minute), Bucket(limits.tokens_per_minute)
        self.outcomes = self.pushed_back = 0
        self._door, self._left = asyncio.Lock(), asyncio.Event()

    async def enter(self, tokens: int) -> None:
        """Wait for a slot and for both bounds a minute; first come, first served. `tokens` is an estimate."""
        async with self._door:
            while self.flying >= int(self.allowed):
                self._left.clear()
                await self._left.wait()
            while wait := max(self.requests.delay(1), self.tokens.delay(tokens)):
                await asyncio.sleep(wait)
            self.requests.take(1)
            self.tokens.take(tokens)
            self.flying += 1

    def leave(self, tokens_too_many: int = 0, fault: str | None = None) -> None:
        """Give the slot back, with what the estimate had too much and the kind of a `Transient` it met."""
        self.flying -= 1
        self.tokens.take(-tokens_too_many)
        self.outcomes += 1
        self.pushed_back += fault in PUSHED_BACK
        if self.outcomes >= max(SHORTEST, int(self.allowed)):
            self._adapt(self.pushed_back / self.outcomes)
        self._left.set()

    def _adapt(self, share: float) -> None:
        """The end of a round: 100 slots of which 40 % were pushed back become 80, then 85, 90, ..."""
        if share > STRAY:
            self.allowed = max(1.0, self.allowed * (1 - share / 2))
        else:
            self.allowed = min(float(self.most), self.allowed + max(1.0, GROWTH * self.most))
        self.outcomes = self.pushed_back = 0
