"""Questions as a browser sends them, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lamini.chatting.asking import LONGEST_PROMPT, Question, Unfit, question_from

TOLD: dict[str, Any] = {"prompt": "Hi", "students": ["s0"], "max_new_tokens": 8, "temperature": 0}


def asked(**told: Any) -> Question:
    return question_from(json.dumps({**TOLD, **told}).encode(), ["s0", "s1"])


def test_a_question() -> None:
    assert asked(prompt=" Hi\n", students=["s1", "s0", "s1"], temperature=0.5) == Question(
        "Hi", ("s1", "s0"), 8, 0.5
    )
    assert asked(prompt="half \ud800 a pair").prompt == "half ? a pair"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"prompt": " \n"}, "The prompt is empty"),
        ({"prompt": 7}, "The prompt is empty"),
        ({"prompt": "x" * (LONGEST_PROMPT + 1)}, "The prompt has 20,001 characters; 20,000 are the most"),
        ({"students": []}, "Nobody is asked"),
        ({"students": ["s9"]}, "The page is older than the server"),
        ({"students": [["s0"]]}, "The page is older"),
        ({"students": "s0"}, "The page is older"),
        ({"max_new_tokens": 0}, "New tokens: a whole number from 1 to 4096"),
        ({"max_new_tokens": 8.5}, "New tokens"),
        ({"max_new_tokens": True}, "New tokens"),
        ({"max_new_tokens": None}, "New tokens"),
        ({"temperature": -1}, "Temperature: a number from 0 to 5"),
        ({"temperature": float("nan")}, "Temperature"),
        ({"temperature": "1"}, "Temperature"),
        ({"more": 1}, "A question has max_new_tokens, prompt, students, temperature"),
    ],
)
def test_what_is_no_question(told: dict[str, Any], why: str) -> None:
    with pytest.raises(Unfit, match=why):
        asked(**told)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 60_000])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Unfit):
        question_from(body, ["s0"])
