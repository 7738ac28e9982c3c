"""Asking through the batch API: nothing lost, nothing sent twice, whatever dies in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.config import Limits
from lamini.errors import UserError
from lamini.teacher.asking import Outcome
from lamini.teacher.batch_api import BatchAPI
from lamini.teacher.batch_files import Draft, Sent, line_of, request_in
from lamini.teacher.calling import Backoff
from lamini.teacher.log import RequestLog
from lamini.teacher.meter import Meter
from lamini.teacher.openai_batches import ask_in_batches
from lamini.teacher.openai_compatible import OpenAICompatible
from lamini.teacher.options import OpenAI
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Message, Request, Sampling
from lamini.teacher.stopping import Interruption, Stopped
from tests.teacher.batch_stub import Line, Provider, bad, good, providing
from tests.teacher.endpoint import Endpoint, error, serving

LIMITS = Limits(8, None, None, 3, 10.0)
PRICES = Prices(2.0, 6.0)
SYSTEM = Message("system", "Be brief.")


def asked(n: int, sampling: Sampling | None = None) -> list[tuple[int, Request]]:
    messages = [(SYSTEM, Message("user", f"word {number}")) for number in range(n)]
    return [(number, Request(m, sampling or Sampling(), number % 2)) for number, m in enumerate(messages)]


def option(url: str, **extra: object) -> OpenAI:
    return OpenAI("m", url, "NO_KEY", True, PRICES, extra)


class Run:
    """One process's work on a log."""

    def __init__(self, log: Path, **more: object) -> None:
        self.log, self.more, self.meter = log, more, Meter(option("").paid())

    async def outcomes(self, provider: Provider, requests: list[tuple[int, Request]]) -> dict[int, Outcome]:
        chosen = option(provider.url)
        chosen.check()
        teacher = chosen.build(self.log, 10.0, 8)
        assert isinstance(teacher, OpenAICompatible)
        settings = {"most": 4, "poll": 0.02, "backoff": Backoff(0.01, 0.02)} | self.more
        try:
            with RequestLog(self.log) as log:
                return {
                    item: outcome
                    async for item, outcome in ask_in_batches(
                        teacher,
                        requests,
                        log,
                        LIMITS,
                        meter=self.meter,
                        **settings,  # type: ignore[arg-type]
                    )
                }
        finally:
            await teacher.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.sqlite"


def run(work: Callable[[Provider], object], provider: Provider | None = None) -> Provider:
    async def served() -> Provider:
        async with providing(provider or Provider()) as serving_:
            await work(serving_)  # type: ignore[misc]
            return serving_

    return asyncio.run(served())


def texts(outcomes: dict[int, Outcome]) -> dict[int, str | None]:
    return {item: outcome.answer and outcome.answer.text for item, outcome in outcomes.items()}


def test_all_are_answered_at_half_the_price_and_the_log_knows(log: Path) -> None:
    first, again = Run(log), Run(log)

    async def work(provider: Provider) -> None:
        outcomes = await first.outcomes(provider, asked(10))
        assert texts(outcomes) == {n: f"WORD {n}" for n in range(10)}
        assert {outcome.usd for outcome in outcomes.values()} == {(10 * 1.0 + 4 * 3.0) / 1e6}
        assert not any(outcome.logged for outcome in outcomes.values())
        repeated = await again.outcomes(provider, asked(10))
        assert texts(repeated) == texts(outcomes) and all(outcome.logged for outcome in repeated.values())

    provider = run(work, Provider(polls=2))
    assert len(provider.batches) == 3  # four requests a file
    assert len(provider.asked) == len(set(provider.asked)) == 10
    assert (first.meter.answered, first.meter.done, again.meter.answered) == (10, 10, 0)
    with RequestLog(log) as opened:
        assert opened.usage("openai", "m", batched=True).answers == 10
        assert opened.open_batches("openai", "m") == []
        assert all(row.batched for row in opened.rows())


def test_the_same_request_twice_is_sent_once(log: Path) -> None:
    async def work(provider: Provider) -> None:
        (_, request), *_ = asked(1)
        outcomes = await Run(log).outcomes(provider, [(7, request), (8, request)])
        assert texts(outcomes) == {7: "WORD 0", 8: "WORD 0"}
        assert [outcomes[7].logged, outcomes[8].logged] == [False, True]

    assert len(run(work).asked) == 1


def test_a_killed_job_finds_its_batches_and_sends_nothing_twice(log: Path) -> None:
    async def work(provider: Provider) -> None:
        killed = asyncio.create_task(Run(log).outcomes(provider, asked(10)))
        while len(provider.batches) < 3:
            await asyncio.sleep(0.01)
        killed.cancel()
        await asyncio.wait([killed])
        provider.polls = 1
        outcomes = await Run(log).outcomes(provider, asked(12))
        assert texts(outcomes) == {n: f"WORD {n}" for n in range(12)}

    provider = run(work, Provider(polls=10**6))
    assert len(provider.asked) == len(set(provider.asked)) == 12


def test_answers_are_logged_even_if_nobody_asks_for_them_any_more(log: Path) -> None:
    async def work(provider: Provider) -> None:
        killed = asyncio.create_task(Run(log).outcomes(provider, asked(4, Sampling(0.5, 0.9, 30))))
        while not provider.batches:
            await asyncio.sleep(0.01)
        killed.cancel()
        await asyncio.wait([killed])
        provider.polls = 1
        assert await Run(log).outcomes(provider, []) == {}

    run(work, Provider(polls=10**6))
    with RequestLog(log) as opened:
        rows = list(opened.rows())
    assert [row.request for row in rows] == [request for _, request in asked(4, Sampling(0.5, 0.9, 30))]
    assert all(row.key == row.request.key("openai", "m") and row.entry.answer for row in rows)


@pytest.mark.parametrize("made", [True, False])
def test_a_batch_whose_birth_nobody_heard_of_is_found_by_its_intent(
    log: Path, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BatchAPI.submit

    async def dies(self: BatchAPI, file: object, intent: str) -> str:
        if made:
            await real(self, file, intent)  # type: ignore[arg-type]
        raise KeyError("killed here")

    async def work(provider: Provider) -> None:
        monkeypatch.setattr(BatchAPI, "submit", dies)
        with pytest.raises(KeyError):
            await Run(log).outcomes(provider, asked(3))
        monkeypatch.setattr(BatchAPI, "submit", real)
        assert len(await Run(log).outcomes(provider, asked(3))) == 3

    provider = run(work)
    assert len(provider.batches) == 1 and len(provider.asked) == 3
    with RequestLog(log) as opened:
        assert opened.open_batches("openai", "m") == []


def test_a_lost_answer_to_the_making_of_a_batch_makes_no_second_one(log: Path) -> None:
    async def work(provider: Provider) -> None:
        provider.lose_next = True
        assert len(await Run(log).outcomes(provider, asked(3))) == 3

    assert len(run(work).batches) == 1


def test_what_failed_is_sent_again_and_what_is_hopeless_is_not(log: Path) -> None:
    seen: list[str] = []

    def answer(line: Line) -> Line | None:
        text = line["body"]["messages"][-1]["content"]
        seen.append(text)
        if text == "word 0":
            return bad(line, 400, "maximum context length is 10", "context_length_exceeded")
        if text == "word 1" and seen.count(text) < 3:
            return bad(line, 500, "oops")
        if text == "word 2":
            return bad(line, 429, "slow down")
        if text == "word 3" and seen.count(text) < 2:
            return None  # the batch expired before it
        return good(line)

    first = Run(log)

    async def work(provider: Provider) -> None:
        outcomes = await first.outcomes(provider, asked(5))
        got = {n: outcome.failure or outcome.answer.text for n, outcome in outcomes.items()}  # type: ignore[union-attr]
        assert got == {
            0: "too_long: maximum context length is 10",
            1: "WORD 1",
            2: "rate_limit: slow down",
            3: "WORD 3",
            4: "WORD 4",
        }

    run(work, Provider(answer))
    assert [seen.count(f"word {n}") for n in range(5)] == [1, 3, 3, 2, 1]
    assert first.meter.faults == {"http_500": 2, "rate_limit": 3, "batch_completed": 1}
    with RequestLog(log) as opened:
        final = {row.request.messages[-1].content: row.entry.final for row in opened.rows()}
    assert final["word 0"] and not final["word 2"]  # the next job tries what was set aside once more


def test_a_refused_batch_ends_the_job_and_blocks_no_later_one(log: Path) -> None:
    async def work(provider: Provider) -> None:
        provider.ending = ("failed", "model_not_found")
        with pytest.raises(UserError, match="refuses a batch .model_not_found: no"):
            await Run(log).outcomes(provider, asked(3))
        assert len(await Run(log).outcomes(provider, asked(3))) == 3

    run(work)


def test_too_many_tokens_at_a_time_means_fewer_batches_at_a_time(log: Path) -> None:
    async def work(provider: Provider) -> None:
        provider.ending = ("failed", "token_limit_exceeded")
        assert texts(await Run(log).outcomes(provider, asked(12))) == {n: f"WORD {n}" for n in range(12)}

    assert len(run(work).batches) == 4


def test_a_budget_is_not_passed_and_the_same_line_continues(log: Path) -> None:
    request = asked(
        12, Sampling(max_tokens=4)
    )  # at most 22 tokens of prompt are reckoned with, 4 of response
    most = 6 * (22 * 1.0 + 4 * 3.0) / 1e6

    async def work(provider: Provider) -> None:
        poor = Run(log, budget=most)
        with pytest.raises(Stopped, match="budget.usd"):
            await poor.outcomes(provider, request)
        assert poor.meter.usd is not None and 0 < poor.meter.usd <= most
        assert 0 < poor.meter.answered < 12
        assert len(await Run(log, budget=1.0).outcomes(provider, request)) == 12
        with pytest.raises(UserError, match="below the price of one request"):
            await Run(log.with_name("other"), budget=1e-9).outcomes(provider, request)

    provider = run(work)
    assert len(provider.asked) == len(set(provider.asked)) == 12


def test_a_signal_stops_at_once_and_leaves_the_batches_running(log: Path) -> None:
    async def work(provider: Provider) -> None:
        interruption = Interruption()
        running = asyncio.create_task(
            Run(log, interruption=interruption, poll=30.0).outcomes(provider, asked(3))
        )
        while not provider.batches:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        interruption._heard(2, None)
        with pytest.raises(Stopped, match="1 batches go on"):
            await asyncio.wait_for(running, 5)
        provider.polls = 1
        assert len(await Run(log).outcomes(provider, asked(3))) == 3

    assert len(run(work, Provider(polls=10**6)).asked) == 3


def test_an_endpoint_without_a_batch_api_is_named(log: Path) -> None:
    async def work() -> None:
        async with serving(Endpoint(error(404, "Not Found"))) as server:
            provider = Provider()
            provider.url = server.url
            await Run(log).outcomes(provider, asked(1))

    with pytest.raises(UserError, match="no batch API.*teacher.batch=false"):
        asyncio.run(work())
    with RequestLog(log) as opened:
        assert opened.open_batches("openai", "m") == []


def test_a_line_can_be_read_back() -> None:
    request = Request((SYSTEM, Message("user", "é\n{}")), Sampling(0.5, None, 30), sample=3)
    teacher = option("http://localhost:1/v1", top_k=5).build(Path("x"), 1.0, 1)
    assert isinstance(teacher, OpenAICompatible)
    line = json.loads(line_of("k" * 32, request, teacher.body(request)))
    assert line["body"]["top_k"] == 5 and line["custom_id"] == "k" * 32 + "-3"
    assert request_in(line) == request


def test_files_stay_below_the_provider_s_limits() -> None:
    draft = Draft(most=2)
    sent = Sent(asked(1)[0][1], 0.0)
    assert draft.takes(b"x" * 200_000_000) and not draft.takes(b"x" * 200_000_001)
    draft.add("a", sent, b"line\n")
    assert not draft.takes(b"x" * 199_999_996) and draft.takes(b"x")
    draft.add("b", sent, b"line\n")
    assert not draft.takes(b"x")
