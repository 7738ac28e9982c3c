"""Slots that follow what a teacher bears, and buckets that let no minute have more than its share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.teacher import pace
from lamini.teacher.pace import Bucket, Pace
from tests.teacher.scripted import limits


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.integers(1, 100_000),
    asks=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5000)), min_size=1, max_size=80),
)
def test_no_minute_has_more_than_its_share(rate: int, asks: list[tuple[float, int]]) -> None:
    """Nor more than a second's worth and the last request beyond it, wherever the minute begins."""
    clock = Clock()
    bucket = Bucket(rate, clock)
    taken: list[tuple[float, int]] = []
    for pause, units in asks:
        clock.now += pause
        for _ in range(50):
            wait = bucket.delay(units)
            if not wait:
                break
            clock.now += wait
        assert not bucket.delay(units)
        bucket.take(units)
        taken.append((clock.now, units))
    for start, _ in taken:
        minute = [units for moment, units in taken if start <= moment < start + 60]
        assert sum(minute) <= rate + max(1.0, rate / 60) + max(minute) + 1e-6 * rate


def test_a_bucket_waits_as_long_as_it_says_and_no_longer() -> None:
    """60 a minute is one a second; the second of two waits a second, one of 3 units leaves a debt of 2."""
    clock = Clock()
    bucket = Bucket(60, clock)
    assert bucket.delay(1) == 0
    bucket.take(1)
    assert bucket.delay(1) == pytest.approx(1.0)
    clock.now = 1.0
    assert bucket.delay(3) == 0
    bucket.take(3)
    assert bucket.delay(1) == pytest.approx(3.0)
    bucket.take(-2)  # it was one unit after all
    assert bucket.delay(1) == pytest.approx(1.0)
    assert Bucket(None, clock).delay(10**9) == 0


def outcomes(pace: Pace, n: int, fault: str | None) -> None:
    pace.flying += n
    for _ in range(n):
        pace.leave(fault=fault)


def test_slots_shrink_by_half_the_share_that_was_pushed_back_and_grow_again() -> None:
    """100 slots of which 40 % were pushed back become 80, then 85, 90, ... and never more than 100."""
    slots = Pace(limits(concurrency=100))
    outcomes(slots, 40, "rate_limit")
    outcomes(slots, 60, None)
    assert slots.allowed == 80
    for allowed in (85, 90, 95, 100, 100):
        outcomes(slots, int(slots.allowed), None)
        assert slots.allowed == allowed


def test_stray_pushbacks_and_other_faults_shrink_nothing() -> None:
    slots = Pace(limits(concurrency=100))
    outcomes(slots, 10, "rate_limit")
    outcomes(slots, 90, "reset")
    assert slots.allowed == 100


@pytest.mark.parametrize("kind", ["rate_limit", "timeout", "http_503", "http_529"])
def test_slots_never_go_below_one(kind: str) -> None:
    slots = Pace(limits(concurrency=100))
    outcomes(slots, 5000, kind)
    assert slots.allowed == 1


async def elapsed(job: Callable[[], Any]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await job()
    return loop.time() - began


def test_who_waits_for_a_slot_gets_the_next_one_in_order() -> None:
    async def job() -> None:
        slots, order = Pace(limits(concurrency=2)), []

        async def one(number: int) -> None:
            await slots.enter(1)
            order.append(number)
            assert slots.flying <= 2
            await asyncio.sleep(0.001)
            slots.leave()

        await asyncio.gather(*(one(number) for number in range(20)))
        assert order == list(range(20)) and slots.flying == 0

    asyncio.run(job())


def test_requests_a_minute_are_kept() -> None:
    """With 1,200 a minute 20 leave at once, and ten more take half a second."""

    async def job() -> None:
        slots = Pace(limits(concurrency=100, requests_per_minute=1200))

        async def thirty() -> None:
            for _ in range(30):
                await slots.enter(1)

        assert 0.45 < await elapsed(thirty) < 2

    asyncio.run(job())


def test_tokens_a_minute_are_kept_and_given_back_where_the_estimate_was_too_high() -> None:
    """6,000 a minute, 100 at once: a second request of 90 waits 0.8 s, and 0.1 s if the first took 20."""

    async def job(too_many: int) -> float:
        slots = Pace(limits(tokens_per_minute=6000))
        await slots.enter(90)
        slots.leave(too_many)
        return await elapsed(lambda: slots.enter(90))

    assert 0.75 < asyncio.run(job(0)) < 3
    assert asyncio.run(job(70)) < 0.5


def test_a_waiter_that_is_cancelled_lets_the_others_pass() -> None:
    async def job() -> None:
        slots = Pace(limits(concurrency=1))
        await slots.enter(1)
        waiters = [asyncio.create_task(slots.enter(1)) for _ in range(2)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        slots.leave()
        await asyncio.wait_for(waiters[1], 5)
        assert slots.flying == 1

    asyncio.run(job())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"concurrency": 0}, r"limits\.concurrency=0 must be at least 1"),
        ({"concurrency": 1_000_000}, r"limits\.concurrency=1000000 is more than 10,000"),
        ({"requests_per_minute": -5}, r"limits\.requests_per_minute=-5 must be at least 1"),
        ({"tokens_per_minute": 0}, r"limits\.tokens_per_minute=0 must be at least 1"),
        ({"tries": 0}, r"limits\.tries=0 must be at least 1"),
        ({"timeout": 0.0}, r"limits\.timeout=0 must be a number of seconds above 0"),
        ({"timeout": float("inf")}, r"limits\.timeout=inf must be"),
        ({"timeout": float("nan")}, r"limits\.timeout=nan must be"),
    ],
)
def test_absurd_limits_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        pace.check(limits(**changed))
    pace.check(limits())
