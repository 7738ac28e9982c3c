"""The teacher behind OpenAI's protocol, against a scripted server: each bad answer has one meaning."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import traceback
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.teacher.openai_compatible import OpenAICompatible
from lamini.teacher.options import OpenAI
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Message, Request, Sampling, Transient, Unanswerable
from tests.teacher.endpoint import RESET, STALL, Endpoint, Reply, completion, error, serving

KEY = "sk-very-secret-123456"
ASKED = Request((Message("system", "Be concise."), Message("user", "Capital of France?")))
HTML = Reply(b"<!DOCTYPE html><html>Welcome</html>", headers={"Content-Type": "text/html"})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


def teacher(url: str, timeout: float = 5.0, **extra: object) -> OpenAICompatible:
    option = OpenAI("m", url, "TEST_KEY", False, Prices(1.0, 2.0), extra)
    option.check()
    built = option.build(Path("log.sqlite"), timeout, 4)
    assert isinstance(built, OpenAICompatible)
    return built


def outcomes(
    *replies: Reply, models: Reply | None = None, request: Request = ASKED, timeout: float = 5.0
) -> list[Answer | Exception]:
    """What the teacher makes of these replies, one request each."""

    async def ask() -> list[Answer | Exception]:
        async with serving(Endpoint(*replies, models=models)) as server:
            asking = teacher(server.url, timeout)
            got: list[Answer | Exception] = []
            for _ in replies:
                try:
                    got.append(await asking.answer(request))
                except Exception as error:
                    got.append(error)
            await asking.close()
            return got

    return asyncio.run(ask())


def after_success(reply: Reply) -> Answer | Exception:
    """What the teacher makes of a reply after the endpoint has answered well once."""
    good, outcome = outcomes(completion(), reply)
    assert isinstance(good, Answer)
    return outcome


def test_answer_usage_and_finish_come_back() -> None:
    (answer,) = outcomes(completion())
    assert isinstance(answer, Answer)
    assert (answer.text, answer.finish, answer.model) == ("Paris.", "stop", "m-0301")
    assert (answer.prompt_tokens, answer.response_tokens) == (7, 2)
    assert json.loads(answer.raw)["usage"]["total_tokens"] == 9


def test_body_holds_what_was_asked_and_nothing_else() -> None:
    async def ask() -> Endpoint:
        async with serving(Endpoint(completion())) as server:
            asking = teacher(server.url, top_k=5)
            assert asking.model == 'm {"top_k": 5}'  # another setting never answers for this one
            await asking.answer(ASKED)
            await asking.answer(Request(ASKED.messages, Sampling(0.5, 0.9, 20), sample=3))
            await asking.close()
            return server

    first, second = asyncio.run(ask()).seen
    messages = [
        {"role": "system", "content": "Be concise."},
        {"role": "user", "content": "Capital of France?"},
    ]
    assert first.json() == {"model": "m", "messages": messages, "top_k": 5}
    assert second.json() == first.json() | {"temperature": 0.5, "top_p": 0.9, "max_tokens": 20}
    assert first.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("reply", "text", "finish"),
    [
        (completion("cut", "length"), "cut", "length"),
        (completion("", "content_filter"), "", "content_filter"),
        (completion(None, "content_filter"), "", "content_filter"),
        (completion("x", None), "x", "unknown"),
        (completion("half \ud83d pair"), "half ? pair", "stop"),
    ],
)
def test_other_finishes_are_answers(reply: Reply, text: str, finish: str) -> None:
    (answer,) = outcomes(reply)
    assert isinstance(answer, Answer)
    assert (answer.text, answer.finish) == (text, finish)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many"}])
def test_missing_usage_is_unknown_not_zero(usage: object) -> None:
    (answer,) = outcomes(completion(usage=usage))
    assert isinstance(answer, Answer)
    assert (answer.prompt_tokens, answer.response_tokens) == (None, None)


@pytest.mark.parametrize(
    ("reply", "kind", "after"),
    [
        (error(429, "slow down", retry_after="7"), "rate_limit", 7.0),
        (error(429, "slow down", retry_after="7", retry_after_ms="250"), "rate_limit", 0.25),
        (error(429, "slow down"), "rate_limit", None),
        (error(500, "oops"), "http_500", None),
        (error(503, "overloaded", retry_after="1.5"), "http_503", 1.5),
        (Reply(b"<h1>Bad Gateway</h1>", 502), "http_502", None),
        (error(408, "late"), "http_408", None),
        (error(409, "conflict"), "http_409", None),
        (Reply(fault=RESET), "reset", None),
        (Reply(b'{"id": "1", "choices": [{"mess'), "cut_json", None),
        (Reply(b'{"id": "1", "choi', promised=500), "cut_body", None),
    ],
)
def test_worth_another_try_from_the_first_request_on(reply: Reply, kind: str, after: float | None) -> None:
    (outcome,) = outcomes(reply)
    assert isinstance(outcome, Transient), outcome
    assert (outcome.kind, outcome.after) == (kind, after)


def test_a_stalled_answer_ends_with_the_timeout() -> None:
    (outcome,) = outcomes(Reply(fault=STALL), timeout=0.2)
    assert isinstance(outcome, Transient)
    assert str(outcome) == "timeout: no answer within 0.2 s"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(400, "maximum context length is 4097 tokens", "context_length_exceeded"), "too_long"),
        (error(400, "the request exceeds the available context size"), "too_long"),
        (error(413, "payload"), "too_long"),
        (error(400, "filtered by our content management policy", "content_filter"), "content_filter"),
        (error(403, "input flagged by moderation"), "content_filter"),
    ],
)  # fmt: skip
def test_this_request_alone(reply: Reply, kind: str) -> None:
    (outcome,) = outcomes(reply)
    assert isinstance(outcome, Unanswerable), outcome
    assert outcome.kind == kind


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(401, "Incorrect API key provided"), ["TEST_KEY", "401", "teacher.key"]),
        (error(403, "no access"), ["TEST_KEY", "403"]),
        (error(429, "You exceeded your current quota", "insufficient_quota"), ["money", "429"]),
        (error(402, "Insufficient credits"), ["money", "402"]),
        (error(400, "Unsupported parameter: 'max_tokens'"), ["teacher.extra", "Unsupported parameter"]),
        (HTML, ["teacher.base_url", "HTML", "/v1"]),
        (Reply(b"Ollama is running"), ["teacher.base_url", "Ollama is running"]),
        (Reply({"hello": "world"}), ["teacher.base_url", "no chat completion"]),
        (Reply({"choices": []}), ["teacher.base_url", "no chat completion"]),
        (Reply(b"404 page not found", 404), ["teacher.base_url", "404"]),
        (Reply({"detail": "Not Found"}, 404), ["teacher.base_url", "404"]),
    ],
)
def test_the_job_is_wrong(reply: Reply, words: list[str]) -> None:
    (outcome,) = outcomes(reply)
    assert isinstance(outcome, UserError), outcome
    assert all(word in str(outcome) for word in words), outcome


def test_an_unknown_model_is_answered_with_those_on_offer() -> None:
    offered = Reply({"data": [{"id": "llama"}, {"id": "qwen"}]})
    (outcome,) = outcomes(error(404, "The model `m` does not exist", "model_not_found"), models=offered)
    assert isinstance(outcome, UserError)
    assert "teacher.model=m is unknown" in str(outcome) and "llama, qwen" in str(outcome)
    (outcome,) = outcomes(error(404, "The model `m` does not exist", "model_not_found"))
    assert isinstance(outcome, UserError) and "teacher.model=m is unknown" in str(outcome)


@pytest.mark.parametrize(
    ("reply", "kind"), [(HTML, "html"), (Reply(b"maintenance"), "text"), (Reply({"hello": 1}), "shape")]
)
def test_an_endpoint_that_worked_is_given_another_try(reply: Reply, kind: str) -> None:
    outcome = after_success(reply)
    assert isinstance(outcome, Transient) and outcome.kind == kind


def test_an_odd_request_does_not_end_a_job_that_works() -> None:
    outcome = after_success(error(400, "invalid role"))
    assert isinstance(outcome, Unanswerable) and outcome.kind == "http_400"


def test_a_router_s_wrapped_error_is_what_it_wraps() -> None:
    (outcome,) = outcomes(Reply({"error": {"code": 502, "message": "provider down"}}))
    assert isinstance(outcome, Transient) and outcome.kind == "http_502"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nothing_answers_at_the_start() -> None:
    async def ask() -> None:
        asking = teacher(f"http://127.0.0.1:{free_port()}/v1")
        try:
            await asking.answer(ASKED)
        finally:
            await asking.close()

    with pytest.raises(UserError, match=r"nothing answers at teacher.base_url=http://127.0.0.1:\d+/v1"):
        asyncio.run(ask())


def test_a_server_that_goes_away_is_waited_for() -> None:
    async def ask() -> Exception:
        last = Reply(completion().body, headers={"Connection": "close"})
        async with serving(Endpoint(last)) as server:
            asking = teacher(server.url)
            await asking.answer(ASKED)
        try:
            await asking.answer(ASKED)
        except Exception as error:
            return error
        finally:
            await asking.close()
        raise AssertionError("it answered")

    outcome = asyncio.run(ask())
    assert isinstance(outcome, Transient) and outcome.kind == "unreachable"


def test_many_at_once_each_get_their_own_answer() -> None:
    class Echo(Endpoint):
        def reply(self, seen: object) -> Reply:
            return completion(seen.json()["messages"][-1]["content"])  # type: ignore[attr-defined]

    async def ask() -> list[str]:
        async with serving(Echo(completion())) as server:
            asking = teacher(server.url)
            requests = [Request((Message("user", str(n)),)) for n in range(50)]
            answers = await asyncio.gather(*map(asking.answer, requests))
            await asking.close()
            return [answer.text for answer in answers]

    assert asyncio.run(ask()) == [str(n) for n in range(50)]


@pytest.mark.parametrize(
    "reply",
    [
        error(401, f"Incorrect API key provided: {KEY}"),
        error(500, f"key {KEY} failed"),
        error(400, f"bad request of {KEY}"),
        error(404, f"model for {KEY} does not exist"),
        Reply(f"<html>{KEY}</html>".encode()),
        Reply(f'{{"key": "{KEY}", "cho'.encode()),
        completion(echo=KEY),
        completion(KEY),
    ],
)
def test_the_key_is_never_shown(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (outcome,) = outcomes(reply)
    shown = str(outcome) + repr(outcome) + caplog.text
    if isinstance(outcome, Exception):
        shown += "".join(traceback.format_exception(outcome))
    built = teacher("http://localhost:1/v1")
    shown += repr(built) + repr(built.endpoint) + repr(built.client)
    assert KEY not in shown
