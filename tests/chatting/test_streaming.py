"""What is streamed is what the student answers, and a stop is heard within a token."""

from __future__ import annotations

from typing import Any

import pytest

from lamini.chatting import streaming
from lamini.chatting.streaming import answer
from tests.chatting.speaking import question
from tests.evaluation.exported import student

ENDLESS = {"max_new_tokens": 200}


@pytest.mark.parametrize("kind", ["t5", "gpt2", "llama"])
def test_the_streamed_answer_is_the_students_own(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAUSE", 0.0)
    made = student(kind)
    for prompt in ("Count from one to ten", "Name one colour.", "x " * 500):
        told: list[str] = []
        found = answer(made, question(prompt, max_new_tokens=24), told.append, lambda: False)
        assert found.text == made.generate([prompt], 24)[0]
        assert len(told) >= found.tokens, "told after every token"
        assert "\ufffd" not in "".join(text[-1:] for text in told)
        assert found.cut == (prompt[0] == "x" and len(made.encode_prompts([prompt])[0]) > made.context - 24)
        assert found.end == ("length" if found.tokens == 24 else "whole")


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_a_stop_is_heard_after_the_token(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAUSE", 0.0)
    made, told = student(kind), list[str]()
    endless(made)
    found = answer(made, question(**ENDLESS), told.append, lambda: len(told) >= 5)
    assert (found.end, found.tokens, len(told)) == ("stopped", 5, 5)


def endless(made: Any) -> None:
    """The end token is one that the student never writes."""
    made.end = len(made.tokenizer) - 1
    bias = made.ready().get_output_embeddings()
    bias.weight.data[made.end] = 0.0


def test_messages_are_not_sent_faster_than_a_screen_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAUSE", 1e9)
    made, told = student("gpt2"), list[str]()
    found = answer(made, question(), told.append, lambda: False)
    assert len(told) <= 1 and found.text == made.generate(["Count from one to ten"], 24)[0]


def test_a_temperature_draws_and_leaves_the_students_decoding_as_it_was() -> None:
    made = student("gpt2")
    shipped = made.ready().generation_config
    drawn = {answer(made, question(temperature=3.0), lambda text: None, lambda: False).text for _ in range(4)}
    assert len(drawn) > 1
    assert made.ready().generation_config is shipped
    assert (
        answer(made, question(), lambda text: None, lambda: False).text
        == made.generate(["Count from one to ten"], 24)[0]
    )
