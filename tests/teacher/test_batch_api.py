"""What the files of a batch may hold, and what is counted where they, or the endpoint, fall short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.teacher.log import RequestLog
from lamini.teacher.stopping import Stopped
from tests.teacher.batch_stub import Line, Provider, bad, good
from tests.teacher.test_openai_batches import Run, asked, run, texts


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.sqlite"


class Plain(Provider):
    """Writes its answers as UTF-8, as JSON allows, and may cut them off."""

    cut = 0  # bytes

    def store(self, content: bytes) -> str:
        text = content.decode()
        if "custom_id" in text and "response" in text:
            text = text.replace("\\u2028", "\u2028").replace("\\u0085", "\x85")
            return super().store(text.encode()[: len(text.encode()) - self.cut])
        return super().store(content)


def separated(line: Line) -> Line:
    answer = good(line)
    message = answer["response"]["body"]["choices"][0]["message"]
    message["content"] = f"{message['content']}\u2028next\x85last"
    return answer


def busy_for(text: str) -> Callable[[Line], Line]:
    """An endpoint that never manages one request."""

    def answer(line: Line) -> Line:
        return bad(line, 500, "busy") if line["body"]["messages"][-1]["content"] == text else good(line)

    return answer


def test_a_line_of_answers_ends_at_a_line_feed_and_nowhere_else(log: Path) -> None:
    async def work(provider: Provider) -> None:
        outcomes = await Run(log).outcomes(provider, asked(3))
        assert texts(outcomes) == {n: f"WORD {n}\u2028next\x85last" for n in range(3)}

    assert len(run(work, Plain(separated)).asked) == 3


def test_answers_that_cannot_be_read_end_the_job_and_stay_open(log: Path) -> None:
    async def work(provider: Provider) -> None:
        with pytest.raises(
            Stopped, match=r"answers of batch batch_0 cannot be read .*the same line continues"
        ):
            await Run(log).outcomes(provider, asked(2))

    provider = Plain()
    provider.cut = 40
    run(work, provider)
    with RequestLog(log) as opened:
        assert [id for id, _ in opened.open_batches("openai", "m")] == ["batch_0"]


def test_tries_are_those_that_were_made(log: Path) -> None:
    async def work(provider: Provider) -> None:
        await Run(log).outcomes(provider, asked(2))

    run(
        work,
        Provider(lambda line: bad(line, 500, "busy") if "0" in str(line["body"]["messages"]) else good(line)),
    )
    with RequestLog(log) as opened:
        tries = {row.request.messages[-1].content: row.tries for row in opened.rows()}
    assert tries == {"word 0": 3, "word 1": 1}


def test_what_was_set_aside_in_this_job_is_not_sent_again_in_it(log: Path) -> None:
    async def work(provider: Provider) -> None:
        (_, request), *others = asked(300)
        outcomes = await Run(log, most=100).outcomes(provider, [(0, request), *others, (999, request)])
        assert outcomes[0].failure == outcomes[999].failure is not None

    provider = run(work, Provider(busy_for("word 0")))
    assert max(map(provider.asked.count, provider.asked)) == 3


def test_a_budget_needs_an_endpoint_that_tells_its_tokens(log: Path) -> None:
    def mute(line: Line) -> Line:
        answer = good(line)
        del answer["response"]["body"]["usage"]
        return answer

    async def work(provider: Provider) -> None:
        with pytest.raises(UserError, match="does not tell how many tokens"):
            await Run(log, budget=1.0).outcomes(provider, asked(2))

    run(work, Provider(mute))
    with RequestLog(log) as opened:
        assert len(list(opened.rows())) == 2  # paid for, so kept
