"""Signals: first a note, then an order, then what was there before."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from lamini.teacher.stopping import Interruption


def test_signals_reach_the_job_and_the_old_handlers_come_back() -> None:
    before, heard = signal.getsignal(signal.SIGTERM), []

    async def job(interruption: Interruption) -> None:
        with interruption.telling(heard.append):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0)
            assert heard == [False]
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)
            assert heard == [False, True]
            assert signal.getsignal(signal.SIGTERM) == before

    with Interruption().listening() as interruption:
        asyncio.run(job(interruption))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_wakes_a_loop_that_sleeps() -> None:
    async def job(interruption: Interruption) -> None:
        asked = asyncio.Event()
        with interruption.telling(lambda at_once: asked.set()):
            timer = threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
            timer.start()
            await asyncio.wait_for(asked.wait(), 10)

    with Interruption().listening() as interruption:
        asyncio.run(job(interruption))


def test_a_job_that_begins_after_the_signal_hears_of_it() -> None:
    heard: list[bool] = []

    async def job(interruption: Interruption) -> None:
        with interruption.telling(lambda at_once: None):
            signal.raise_signal(signal.SIGINT)
        with interruption.telling(heard.append):
            pass

    with Interruption().listening() as interruption:
        asyncio.run(job(interruption))
    assert heard == [False]


def test_without_a_job_a_signal_stops_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interruption().listening():
        signal.raise_signal(signal.SIGTERM)
