"""Replay: what the log holds under the original teacher's name, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.options import Replay
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Message, Request, Sampling, Unanswerable

ASKED = Request((Message("user", "Capital of France?"),), Sampling(temperature=0.5), sample=2)
FAILED = Request((Message("user", "Too long"),))
ANSWER = Answer("Paris.", "stop", 5, 2, "m-0301", '{"raw": 1}')


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "requests.sqlite"
    with RequestLog(path) as opened:
        rows = [(ASKED, Entry(ANSWER)), (FAILED, Entry(None, "too_long: 9000 tokens"))]
        opened.put(Row(r.key("openai", "m"), "openai", "m", r, entry) for r, entry in rows)
    return path


def option(kind: str = "openai", model: str = "m") -> Replay:
    return Replay(kind, model, Prices(0.0, 0.0))


def answer(log: Path, request: Request) -> Answer:
    async def ask() -> Answer:
        teacher = option().build(log, 1.0, 1)
        try:
            return await teacher.answer(request)
        finally:
            await teacher.close()

    return asyncio.run(ask())


def test_the_very_answer_comes_back(log: Path) -> None:
    assert answer(log, ASKED) == ANSWER


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(ASKED.messages, ASKED.sampling, sample=3), "never asked"),
        (Request(ASKED.messages), "never asked"),
        (FAILED, "too_long: 9000 tokens"),
    ],
)
def test_what_is_not_there_is_unanswerable(log: Path, request_: Request, said: str) -> None:
    with pytest.raises(Unanswerable, match=f"not_in_log: .*{said}") as refused:
        answer(log, request_)
    assert refused.value.kind == "not_in_log"


def test_a_log_without_that_teacher_says_whose_it_is(log: Path) -> None:
    with pytest.raises(UserError, match=r"nothing of openai gpt.*teacher.kind=openai teacher.model='m'"):
        option(model="gpt").build(log, 1.0, 1)


def test_no_log_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none at .*gone.sqlite; set log=<file>"):
        option().build(tmp_path / "gone.sqlite", 1.0, 1)
    assert not (tmp_path / "gone.sqlite").exists()


def test_a_teacher_that_writes_no_log_is_refused() -> None:
    with pytest.raises(UserError, match="teacher.kind=replay writes no log"):
        option("replay").check()
