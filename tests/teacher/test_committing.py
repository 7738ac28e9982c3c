"""Group commit: few transactions for many rows, and nothing that arrived is left behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.teacher.committing import BACKLOG, Committer
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.protocol import Answer
from tests.teacher.scripted import question


def row(number: int) -> Row:
    request = question(number)
    return Row(request.key("k", "m"), "k", "m", request, Entry(Answer(str(number), "stop", 1, 1, "m")))


def unexpected(error: UserError) -> None:
    raise error


def committer(log: RequestLog, commits: list[int]) -> Committer:
    return Committer(log, unexpected, lambda: commits.append(1))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """slow(seconds): every commit takes that long."""

    def slowed(seconds: float) -> None:
        put = RequestLog.put

        def later(self: RequestLog, rows: list[Row]) -> dict[str, Entry]:
            time.sleep(seconds)
            return put(self, rows)

        monkeypatch.setattr(RequestLog, "put", later)

    return slowed


def test_rows_are_committed_together_and_told_when_they_are_on_disk(tmp_path: Path) -> None:
    async def job() -> None:
        commits: list[int] = []
        told: list[str] = []
        with RequestLog(tmp_path / "log") as log, RequestLog(tmp_path / "log") as other:
            writer = committer(log, commits)
            running = asyncio.create_task(writer.run())

            def then(entry: Entry) -> None:
                assert entry.answer is not None
                assert other.get([row(int(entry.answer.text)).key])
                told.append(entry.answer.text)

            for number in range(50):
                writer.add(row(number), then)
            await asyncio.sleep(0.2)
            assert len(told) == 50 and len(commits) == 1
            writer.add(row(50), then)
            writer.close()
            await running
            assert told == [str(number) for number in range(51)] and len(commits) == 2

    asyncio.run(job())


def test_there_is_no_room_while_too_much_is_on_its_way(tmp_path: Path, slow: Callable[[float], None]) -> None:
    slow(0.2)

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            writer = committer(log, [])
            running = asyncio.create_task(writer.run())
            for number in range(BACKLOG):
                await asyncio.wait_for(writer.room(), 0.05)
                writer.add(row(number), lambda entry: None)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(writer.room(), 0.05)
            await asyncio.wait_for(writer.room(), 5)
            writer.close()
            await running

    asyncio.run(job())


def test_who_cancels_it_loses_no_row(tmp_path: Path, slow: Callable[[float], None]) -> None:
    slow(0.1)

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            writer = committer(log, [])
            running = asyncio.create_task(writer.run())
            writer.add(row(0), lambda entry: None)
            await asyncio.sleep(0.06)  # the first is being written
            writer.add(row(1), lambda entry: None)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert len(log.get([row(0).key, row(1).key])) == 2
            assert log.usage("k", "m").answers == 2

    asyncio.run(job())
