"""Pauses between tries, and a slot that others have in the meantime."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.teacher.calling import Backoff, Caller
from lamini.teacher.pace import Pace
from lamini.teacher.protocol import Answer, Request, Transient
from tests.teacher.scripted import Scripted, limits, meter, question


@given(tries=st.integers(1, 2000), after=st.none() | st.floats(0, 1e5))
def test_pauses_double_up_to_a_bound_and_honour_the_server(tries: int, after: float | None) -> None:
    pause = Backoff(first=1.0, longest=60.0).seconds(tries, after)
    bound = min(60.0, 2.0 ** min(tries - 1, 30))
    assert pause >= max(bound / 2 if after is None or after < bound / 2 else 0, after or 0)
    assert pause <= max(bound, (after or 0) + bound / 10)


def test_pauses_are_not_all_the_same() -> None:
    assert len({Backoff().seconds(1, None) for _ in range(20)}) == 20
    assert len({Backoff().seconds(1, 30.0) for _ in range(20)}) == 20


def test_a_resting_request_holds_no_slot() -> None:
    async def job() -> None:
        teacher, counted = Scripted(script={"a": [Transient("reset", "gone")]}), meter()
        caller = Caller(teacher, limits(concurrency=1), Pace(limits(concurrency=1)), counted, Backoff(0.2))
        assert caller.pace.take(1)
        first = asyncio.create_task(caller.call(question("a"), 1))
        await asyncio.sleep(0.02)
        assert (counted.resting, caller.pace.flying, counted.faults) == (1, 0, {"reset": 1})
        assert caller.pace.take(1)
        entry, tries = await caller.call(question("b"), 1)
        assert entry.answer is not None and tries == 1 and not first.done()
        entry, tries = await first
        assert entry.answer is not None and tries == 2 and counted.resting == 0

    asyncio.run(job())


def test_requests_that_start_together_leave_one_a_round() -> None:
    """Eight calls at once: no round of the event loop sends two of them."""

    async def job() -> None:
        loop, rounds, sent = asyncio.get_running_loop(), 0, []

        class Noted(Scripted):
            async def answer(self, request: Request) -> Answer:
                sent.append(rounds)
                return await super().answer(request)

        def count() -> None:
            nonlocal rounds
            rounds += 1
            if len(sent) < 8:
                loop.call_soon(count)

        caller = Caller(Noted(0.01), limits(), Pace(limits()), meter(), Backoff())
        loop.call_soon(count)
        assert all(caller.pace.take(1) for _ in range(8))
        await asyncio.gather(*(caller.call(question(n), 1) for n in range(8)))
        assert len(set(sent)) == 8

    asyncio.run(job())


@pytest.mark.parametrize("error", [TimeoutError(), Transient("timeout", "slow")])
def test_a_teacher_that_times_out_by_itself_is_tried_again(error: BaseException) -> None:
    async def job() -> None:
        counted = meter()
        caller = Caller(Scripted(script={"a": [error]}), limits(), Pace(limits()), counted, Backoff(0.001))
        assert caller.pace.take(1)
        entry, tries = await caller.call(question("a"), 1)
        assert entry.answer is not None and tries == 2 and counted.faults == {"timeout": 1}

    asyncio.run(job())
