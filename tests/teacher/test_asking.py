"""`ask`: nothing lost, nothing paid twice, whatever breaks in between."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.teacher import asking
from lamini.teacher.asking import ask
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.protocol import Answer, Request, Transient, Unanswerable
from lamini.teacher.stopping import Stopped
from tests.teacher.scripted import Scripted, gather, limits, logged, meter, question, questions, run


def test_every_request_has_its_answer_and_its_row(tmp_path: Path) -> None:
    teacher, counted = Scripted(), meter(prompt=1.0, response=2.0)
    outcomes = run(teacher, questions(500), tmp_path / "log", meter=counted)
    assert sorted(number for number, _ in outcomes) == list(range(500))
    for number, outcome in outcomes:
        assert outcome.answer is not None and outcome.answer.text == f"echo {number}"
        assert outcome.key == question(number).key("scripted", "echo")
        assert outcome.usd == pytest.approx(20e-6) and not outcome.logged and outcome.failure is None
    assert (counted.done, counted.answered, counted.logged) == (500, 500, 0)
    assert (counted.prompt_tokens, counted.response_tokens, counted.usd) == (5000, 2500, pytest.approx(0.01))
    with RequestLog(tmp_path / "log") as log:
        assert {row.request.messages[0].content for row in log.rows()} == {str(n) for n in range(500)}


def test_the_second_time_nothing_is_asked(tmp_path: Path) -> None:
    run(Scripted(), questions(300), tmp_path / "log")
    teacher, counted = Scripted(), meter(prompt=1.0, response=2.0)
    outcomes = run(teacher, questions(310), tmp_path / "log", meter=counted)
    assert sum(teacher.calls.values()) == 10 and len(outcomes) == 310
    assert all(outcome.logged == (number < 300) for number, outcome in outcomes)
    assert all(outcome.usd == pytest.approx(20e-6) for _, outcome in outcomes)
    assert (counted.logged, counted.answered, counted.usd) == (300, 10, pytest.approx(10 * 20e-6))


@settings(max_examples=15, deadline=None)
@given(numbers=st.lists(st.integers(0, 12), max_size=60), slots=st.integers(1, 9), chunk=st.integers(1, 8))
def test_the_same_request_is_asked_once(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], slots: int, chunk: int
) -> None:
    teacher = Scripted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "LOOKUP", chunk)
        items = ((place, question(number)) for place, number in enumerate(numbers))
        path = tmp_path_factory.mktemp("log") / "log"
        outcomes = dict(run(teacher, items, path, limits=limits(concurrency=slots)))
    assert set(outcomes) == set(range(len(numbers)))
    assert all(outcomes[place].answer.text == f"echo {n}" for place, n in enumerate(numbers))  # type: ignore[union-attr]
    assert teacher.calls == Counter({str(number): 1 for number in numbers})
    assert sum(not outcome.logged for outcome in outcomes.values()) == len(set(numbers))
    assert teacher.most <= slots


def test_samples_and_sampling_are_requests_of_their_own(tmp_path: Path) -> None:
    asked = [question("a"), question("a", sample=1), question("a", max_tokens=5), question("a")]
    teacher = Scripted()
    assert len(run(teacher, enumerate(asked), tmp_path / "log")) == 4
    assert teacher.calls == {"a": 3}


def test_a_row_is_on_disk_before_its_outcome_is_given_out(tmp_path: Path) -> None:
    async def job() -> None:
        path = tmp_path / "log"
        with RequestLog(path) as log, RequestLog(path) as other:
            source = ask(Scripted(0.001), questions(200), log, limits(), meter=meter())
            async for _, outcome in source:
                assert other.get([outcome.key])[outcome.key].answer == outcome.answer

    asyncio.run(job())


def test_a_fifth_of_faults_loses_nothing_and_asks_nothing_twice(tmp_path: Path) -> None:
    teacher, counted = Scripted(share=0.2), meter()
    outcomes = run(
        teacher, questions(2000), tmp_path / "log", meter=counted, limits=limits(concurrency=64, tries=20)
    )
    assert sorted(number for number, _ in outcomes) == list(range(2000))
    assert all(outcome.answer is not None for _, outcome in outcomes)
    assert teacher.answers == Counter({str(number): 1 for number in range(2000)})
    assert counted.faults == teacher.faults and counted.faults.total() > 400
    with RequestLog(tmp_path / "log") as log:
        rows = list(log.rows())
        assert len(rows) == 2000
        assert sum(row.tries for row in rows) == sum(teacher.calls.values()) == 2000 + counted.faults.total()


def test_poison_is_set_aside_and_asked_again_the_next_time(tmp_path: Path) -> None:
    poison = {"3": [Transient("http_500", "again")] * 3}
    teacher, counted = Scripted(script=poison), meter()
    source = [(0, question(3)), *questions(300), (301, question(3))]
    outcomes = run(teacher, source, tmp_path / "log", limits=limits(tries=3), meter=counted)
    bad = {item: outcome for item, outcome in outcomes if outcome.failure is not None}
    assert [outcome.failure for outcome in bad.values()] == ["http_500: again"] * 3
    assert len(outcomes) == 302 and sorted(bad) == [0, 3, 301] and teacher.calls["3"] == 3
    assert counted.failed == {"http_500": 3} and counted.faults == {"http_500": 3}
    teacher = Scripted()
    (outcome,) = [
        outcome for _, outcome in run(teacher, questions(4), tmp_path / "log") if not outcome.logged
    ]
    assert outcome.answer is not None and teacher.calls == {"3": 1}


def test_what_cannot_be_answered_is_not_tried_again_ever(tmp_path: Path) -> None:
    for calls in (1, 0):
        teacher = Scripted(script={"3": [Unanswerable("too_long", "9 tokens")]})
        counted = meter()
        outcomes = dict(run(teacher, questions(5), tmp_path / "log", meter=counted))
        assert outcomes[3].failure == "too_long: 9 tokens" and outcomes[3].answer is None
        assert teacher.calls["3"] == calls and counted.failed == {"too_long": 1}


def test_a_replay_leaves_no_failure_behind(tmp_path: Path) -> None:
    teacher = Scripted(script={"3": [Unanswerable("missing", "not in the log")]})
    outcomes = dict(run(teacher, questions(5), tmp_path / "log", remember=False))
    assert outcomes[3].failure == "missing: not in the log"
    with RequestLog(tmp_path / "log") as log:
        assert len(list(log.rows())) == 4


def test_a_request_that_takes_too_long_is_a_fault(tmp_path: Path) -> None:
    class Stalls(Scripted):
        async def answer(self, request: Request) -> Answer:
            if self.calls[request.messages[0].content] == 0:
                self.delay = 5.0
            try:
                return await super().answer(request)
            finally:
                self.delay = 0.0

    counted = meter()
    began = time.monotonic()
    outcomes = run(Stalls(), questions(1), tmp_path / "log", limits=limits(timeout=0.05), meter=counted)
    assert outcomes[0][1].answer is not None and counted.faults == {"timeout": 1}
    assert time.monotonic() - began < 3


def test_a_user_error_ends_the_job_after_what_is_in_flight(tmp_path: Path) -> None:
    teacher = Scripted(0.02, {"20": [UserError("teacher.model is unknown")]})
    got = []

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            async for item, outcome in ask(teacher, questions(10_000), log, limits(), meter=meter()):
                got.append((item, outcome))

    with pytest.raises(UserError, match=r"teacher\.model is unknown"):
        asyncio.run(job())
    assert 20 <= len(got) < 40 and len(got) == teacher.answers.total()
    with RequestLog(tmp_path / "log") as log:
        assert len(list(log.rows())) == len(got)


def test_a_mistake_in_the_source_or_the_teacher_is_not_hidden(tmp_path: Path) -> None:
    def source() -> Iterator[tuple[int, Request]]:
        yield from questions(200)
        raise UserError("seeds.jsonl: row 201 is broken")

    teacher = Scripted(0.001)
    with pytest.raises(UserError, match="row 201"):
        run(teacher, source(), tmp_path / "log")
    assert 100 < teacher.calls.total() == teacher.answers.total() <= 128
    with pytest.raises(ZeroDivisionError):
        run(Scripted(script={"5": [ZeroDivisionError()]}), questions(10), tmp_path / "other")


def test_a_silent_teacher_ends_the_job(tmp_path: Path) -> None:
    dead = {str(n): [Transient("unreachable", "nobody there")] * 2 for n in range(500)}
    teacher = Scripted(script=dead)
    with pytest.raises(Stopped, match=r"scripted echo answered none of the last 20 .*unreachable: nobody"):
        run(teacher, questions(500), tmp_path / "log", limits=limits(tries=2))
    assert teacher.calls.total() < 80


def test_memory_is_bounded_by_the_consumer(tmp_path: Path) -> None:
    pulled = 0

    def source() -> Iterator[tuple[int, Request]]:
        nonlocal pulled
        for item in questions(10**9):
            pulled += 1
            yield item

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            async with aclosing(ask(Scripted(), source(), log, limits(), meter=meter())) as outcomes:
                async for _ in outcomes:
                    await asyncio.sleep(2.0)  # a slow consumer
                    break

    asyncio.run(job())
    assert asking.ROOM / 2 < pulled <= asking.ROOM + 8 + 2 * asking.LOOKUP


def test_who_leaves_early_keeps_what_was_in_flight(tmp_path: Path) -> None:
    teacher = Scripted(0.05)

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            async with aclosing(ask(teacher, questions(1000), log, limits(), meter=meter())) as outcomes:
                async for _ in outcomes:
                    break

    asyncio.run(job())
    assert teacher.answers.total() == teacher.calls.total() < 40
    with RequestLog(tmp_path / "log") as log:
        assert len(list(log.rows())) == teacher.answers.total()


def test_a_consumer_that_fails_loses_no_answer_that_arrived(tmp_path: Path) -> None:
    teacher = Scripted(0.001)

    async def job() -> None:
        log = RequestLog(tmp_path / "log")
        async for _ in ask(teacher, questions(1000), log, limits(), meter=meter()):
            raise ZeroDivisionError  # and nobody closes the iterator

    with pytest.raises(ZeroDivisionError):
        asyncio.run(job())
    with RequestLog(tmp_path / "log") as log:
        assert len(list(log.rows())) == teacher.answers.total()


def test_the_answer_of_another_process_stays(tmp_path: Path) -> None:
    path, request = tmp_path / "log", question(0)
    theirs = Answer("theirs", "stop", 1, 1, "m")

    class Overtaken(Scripted):
        async def answer(self, request: Request) -> Answer:
            with RequestLog(path) as other:
                key = request.key(self.kind, self.model)
                other.put([Row(key, self.kind, self.model, request, Entry(theirs))])
            return await super().answer(request)

    ((_, outcome),) = run(Overtaken(), [(0, request)], path)
    assert outcome.answer == theirs


def test_two_jobs_at_once_share_a_log_and_a_meter(tmp_path: Path) -> None:
    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            counted = meter()
            both = await asyncio.gather(
                gather(Scripted(0.001), questions(200), log, meter=counted),
                gather(Scripted(0.001), questions(300), log, meter=counted),
            )
            assert [len(outcomes) for outcomes in both] == [200, 300] and counted.done == 500

    asyncio.run(job())
    assert len(logged(tmp_path / "log")) == 300


def test_raw_answers_are_kept_word_for_word(tmp_path: Path) -> None:
    run(Scripted(), questions(3), tmp_path / "log")
    with RequestLog(tmp_path / "log") as log:
        raws = [row.entry.answer.raw for row in log.rows() if row.entry.answer is not None]
    assert sorted(json.loads(raw)["text"] for raw in raws) == ["echo 0", "echo 1", "echo 2"]


def test_slots_are_free_before_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With commits of 0.2 s and answers of 10 ms, 60 requests in one slot take 0.6 s and two commits."""
    put = RequestLog.put

    def slow(self: RequestLog, rows: list[Row]) -> dict[str, Entry]:
        time.sleep(0.2)
        return put(self, rows)

    monkeypatch.setattr(RequestLog, "put", slow)
    began = time.monotonic()
    assert len(run(Scripted(0.01), questions(60), tmp_path / "log", limits=limits(concurrency=1))) == 60
    assert time.monotonic() - began < 60 * 0.1
