"""The oracle behind the protocol: exact, repeatable, and spoiled in the share that was asked for."""

from __future__ import annotations

import asyncio

import pytest

from lamini.errors import UserError
from lamini.instructions import templates
from lamini.teacher.embedded import Embedded, in_tags
from lamini.teacher.options import Oracle as Option
from lamini.teacher.oracle import Oracle, generate, is_right
from lamini.teacher.prices import Prices
from lamini.teacher.protocol import Answer, Message, Request, Sampling, Unanswerable

ORACLE = Oracle()
TEMPLATE = templates.load("more", "prompt", templates.MORE)
EXAMPLES = ["Multiply 7 by 12.", "Write the last word of: lemon hat", "Tell me of your day."]


def answers(requests: list[Request], fault_rate: float = 0.0) -> list[Answer]:
    option = Option("oracle", fault_rate, Prices(0.0, 0.0))
    option.check()

    async def ask() -> list[Answer]:
        teacher = Embedded("oracle", fault_rate)
        return [await teacher.answer(request) for request in requests]

    return asyncio.run(ask())


def respond(instruction: str, sample: int = 0) -> Request:
    return Request((Message("system", "Be brief."), Message("user", instruction)), sample=sample)


def more(count: int, topics: tuple[str, ...] = (), sample: int = 0) -> Request:
    return Request((Message("user", templates.more(TEMPLATE, EXAMPLES, count, topics)),), sample=sample)


def items(answer: Answer) -> list[str]:
    lines = answer.text.split("\n")
    assert all(line.startswith("<example>") and line.endswith("</example>") for line in lines)
    return [line[len("<example>") : -len("</example>")] for line in lines]


def test_instructions_are_answered_exactly_whatever_the_sample() -> None:
    first, second = answers([respond("Multiply 7 by 12."), respond("Multiply 7 by 12.", sample=1)])
    assert first == second
    assert (first.text, first.finish, first.prompt_tokens, first.response_tokens) == ("84", "stop", 6, 1)


def test_what_no_kind_understands_is_unanswerable() -> None:
    with pytest.raises(Unanswerable, match="not_understood"):
        answers([respond("Tell me of your day.")])


@pytest.mark.parametrize("topics", [(), ("Marine biology", "Owls", "Films of 1985")])
def test_more_instructions_are_new_understood_and_about_the_topics(topics: tuple[str, ...]) -> None:
    (answer,) = answers([more(20, topics)])
    new = items(answer)
    assert len(set(new)) == 20 and not set(new) & set(EXAMPLES)
    kinds = {ORACLE.kind_of(text) for text in new}
    assert kinds == ({"last_word"} if topics else {"last_word", "multiplication"})
    for topic in topics:
        assert any(topic in text for text in new)
    assert not topics or all(any(topic in text for topic in topics) for text in new)


def test_other_requests_get_other_instructions_and_the_same_request_the_same() -> None:
    one, again, other, sampled = answers([more(20), more(20), more(19), more(20, sample=1)])
    assert one == again
    for answer in (other, sampled):
        assert len(set(items(one)) & set(items(answer))) < 10


def test_no_held_out_instance_is_taught() -> None:
    (answer,) = answers([more(200)])
    taught = set(items(answer))
    held = {row.instruction for row in generate(0, 500, seed=1)["new_instances"]}
    assert held and not taught & held


def test_fewer_than_asked_for_where_there_are_no_more() -> None:
    few = Request((Message("user", templates.more(TEMPLATE, ["Multiply 7 by 12."], 5000, [])),))
    (answer,) = answers([few])
    assert 0 < len(items(answer)) < 5000


def test_max_tokens_cuts_and_says_so() -> None:
    request = Request(more(5).messages, Sampling(max_tokens=4))
    (answer,) = answers([request])
    assert (answer.finish, answer.response_tokens) == ("length", 4)


def test_the_share_of_faults_is_the_one_asked_for() -> None:
    rows = generate(400, 0, seed=3)["train"]
    requests = [respond(row.instruction) for row in rows]
    got = answers(requests, 0.25)
    assert got == answers(requests, 0.25)
    wrong = sum(
        not is_right(row.kind, row.instruction, answer.text) for row, answer in zip(rows, got, strict=True)
    )
    assert 70 <= wrong <= 130  # 100 expected, standard deviation 8.7
    assert all(is_right(r.kind, r.instruction, a.text) for r, a in zip(rows, answers(requests), strict=True))


def test_spoiled_lists_are_messy_in_several_ways() -> None:
    got = answers([more(6, sample=n) for n in range(60)], 1.0)
    texts = [answer.text for answer in got]
    assert any(text.startswith("1. <example>") for text in texts)
    assert any(text.startswith("1. ") and "<example>" not in text for text in texts)
    assert any("</example>" not in text and "<example>" in text for text in texts)
    assert any(text.count("<example>") == text.count("</example>") + 1 for text in texts)
    assert any(not text.startswith(("<", "1.")) and text.count("</example>") == 6 for text in texts)


def test_faults_are_part_of_the_name_in_the_log() -> None:
    assert Embedded("oracle", 0.0).model == "oracle"
    assert Embedded("oracle", 0.2).model == 'oracle {"fault_rate": 0.2}'


def test_in_tags() -> None:
    assert in_tags(["Sing", "Dance"]) == "<example>Sing</example>\n<example>Dance</example>"


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(UserError, match="teacher.fault_rate"):
        Option("oracle", rate, Prices(0.0, 0.0)).check()
