"""`ask`: nothing lost, nothing paid twice, whatever breaks in between."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.teacher import asking
from lamini.teacher.asking import ask
from lamini.teacher.committing import BACKLOG
from lamini.teacher.log import Entry, RequestLog, Row
from lamini.teacher.protocol import Answer, Request, Transient, Unanswerable
from lamini.teacher.stopping import Stopped
from tests.teacher.scripted import SOON, Scripted, gather, limits, meter, question, questions, run

ROOT = Path(__file__).resolve().parents[2]


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
    assert teacher.calls.total() == teacher.answers.total() == 128  # whole lookups
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


def test_a_full_disk_ends_the_job_and_keeps_all_answers(tmp_path: Path, full: Any) -> None:
    teacher = Scripted(0.01)

    async def job() -> None:
        with RequestLog(tmp_path / "log") as log:
            await gather(teacher, questions(50), log)
            full(log)
            await gather(teacher, questions(10_000), log)

    with pytest.raises(UserError, match="the disk is full; free some space, or set log=<file>"):
        asyncio.run(job())
    with RequestLog(tmp_path / "log") as log:
        assert len(list(log.rows())) == teacher.answers.total() < 9_000


def test_a_log_that_takes_nothing_any_more_says_what_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise UserError("the request log cannot be used (disk I/O error)")

    monkeypatch.setattr(RequestLog, "put", broken)
    monkeypatch.setattr("lamini.teacher.committing.AGAIN", 0.01)
    with pytest.raises(UserError, match=r"disk I/O error\); \d+ answers could not be kept"):
        run(Scripted(0.01), questions(100), tmp_path / "log")


CHILD = """
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, ".")
from tests.teacher.scripted import Scripted, SOON, limits, meter, questions
from lamini.teacher.asking import ask
from lamini.teacher.log import RequestLog
from lamini.teacher.stopping import Interruption, Stopped

class Noted(Scripted):
    async def answer(self, request):
        text = request.messages[0].content
        print("call", text, flush=True)
        answer = await super().answer(request)
        print("paid", text, flush=True)
        return answer

async def job(interruption):
    with RequestLog(Path(sys.argv[1])) as log:
        teacher, source = Noted(float(sys.argv[3]), share=0.1), questions(int(sys.argv[2]))
        source = ask(teacher, source, log, limits(concurrency=16), meter=meter(), backoff=SOON,
                     interruption=interruption)
        async for item, outcome in source:
            print("done", item, flush=True)

with Interruption().listening() as interruption:
    try:
        asyncio.run(job(interruption))
    except Stopped as error:
        print("stopped", error)
        sys.exit(1)
"""


def child(path: Path, n: int, delay: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(n), str(delay)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def words(said: str) -> dict[str, Counter[str]]:
    """{"call": {"0": 1, ...}, "paid": ..., "done": ...} of what a child said, without a cut last line."""
    found: dict[str, Counter[str]] = {"call": Counter(), "paid": Counter(), "done": Counter()}
    for line in said[: said.rfind("\n") + 1].splitlines():
        verb, _, number = line.partition(" ")
        if verb in found:
            found[verb][number] += 1
    return found


def logged(path: Path) -> set[str]:
    with RequestLog(path) as log:
        return {row.request.messages[0].content for row in log.rows()}


def after(process: subprocess.Popen[str], lines: int) -> str:
    """What a child says until it has said so many lines."""
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(lines))


def rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says from there to its end."""
    assert process.stdout is not None and process.stderr is not None
    said = process.stdout.read(), process.stderr.read()
    process.wait(30)
    return said


def test_killed_three_times_nothing_is_lost_and_nothing_asked_twice_but_what_was_in_flight(
    tmp_path: Path,
) -> None:
    path, before = tmp_path / "log", set[str]()
    for lines in (300, 900, 1500):
        process = child(path, 1500, 0.005)
        text = after(process, lines)
        process.send_signal(signal.SIGKILL)
        said, kept = words(text + rest(process)[0]), logged(path)
        assert before <= kept and set(said["done"]) <= kept  # what was given out is on disk
        assert before.isdisjoint(said["call"])  # what is on disk is not asked again
        assert max(said["paid"].values()) == 1
        assert len(set(said["paid"]) - kept) <= BACKLOG + 16  # in flight: one a slot, and on its way to disk
        before = kept
    assert 300 < len(before) < 1500
    outcomes = run(teacher := Scripted(), questions(1500), path)
    assert sorted(item for item, _ in outcomes) == list(range(1500))
    assert len(teacher.calls) == 1500 - len(before) and before.isdisjoint(teacher.calls)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_finish_what_is_in_flight(tmp_path: Path, number: int) -> None:
    process = child(tmp_path / "log", 100_000, 0.3)
    text = after(process, 40)
    process.send_signal(number)
    said, error = rest(process)
    assert process.returncode == 1 and error == "", error
    assert said.splitlines()[-1] == "stopped interrupted; the same line continues"
    found, kept = words(text + said), logged(tmp_path / "log")
    assert set(found["done"]) == set(found["paid"]) == kept and 16 <= len(kept) < 80
    assert len(set(found["call"]) - kept) <= 8  # those that met a fault were not tried again


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    process = child(tmp_path / "log", 100_000, 60.0)
    after(process, 16)
    began = time.monotonic()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    said, error = rest(process)
    assert process.returncode == 1 and "stopped interrupted" in said and error == ""
    assert time.monotonic() - began < 5


def test_budget_is_not_passed_and_can_be_raised(tmp_path: Path) -> None:
    """A request costs 10 x 1 + 5 x 2 = 20 millionths; 20 + 100 x 2 = 220 millionths are reserved at most."""
    path, prices = tmp_path / "log", {"prompt": 1.0, "response": 2.0}
    asked = [(n, question(n, max_tokens=100)) for n in range(300)]
    spent = []
    for usd in (0.001, 0.002):
        got = 0

        async def job(usd: float = usd) -> None:
            nonlocal got
            with RequestLog(path) as log:
                more = {
                    "meter": meter(**prices),
                    "budget": usd,
                    "tokens": lambda request: 20,
                    "backoff": SOON,
                }
                async for _ in ask(Scripted(0.001), asked, log, limits(), **more):
                    got += 1

        with pytest.raises(
            Stopped, match=rf"budget.usd={usd:g} does not bear another .*the same line continues"
        ):
            asyncio.run(job())
        with RequestLog(path) as log:
            spent.append(log.usage("scripted", "echo").answers * 20e-6)
        assert got == round(spent[-1] / 20e-6)  # nothing that was asked for is missing
        assert usd - 220e-6 < spent[-1] <= usd
    assert len(run(Scripted(), asked, path, meter=meter(**prices), budget=1.0)) == 300


def test_a_budget_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    asked = [(0, question(0, max_tokens=1000))]
    for prices, usd, said in (
        ((1.0, 2.0), 0.001, r"budget\.usd=0\.001 is below the price of one request, about \$0\.002"),
        ((None, 2.0), 1.0, r"budget\.usd needs teacher\.prices\.prompt"),
        ((1.0, 2.0), -1.0, r"budget\.usd=-1 must be"),
    ):
        teacher = Scripted()
        with pytest.raises(UserError, match=said):
            run(teacher, asked, tmp_path / "log", meter=meter(*prices), budget=usd)
        assert not teacher.calls

    class Mute(Scripted):
        async def answer(self, request: Request) -> Answer:
            return Answer((await super().answer(request)).text, "stop", None, None, "m")

    with pytest.raises(UserError, match=r"does not tell how many tokens .* budget\.usd=null"):
        run(Mute(), asked, tmp_path / "log", meter=meter(1.0, 2.0), budget=1.0)
    assert logged(tmp_path / "log") == {"0"}


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
