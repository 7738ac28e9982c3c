"""One question to several students: every message in order, every end told, nobody goes on unheard."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.chatting import rounds as module
from lamini.chatting.rounds import Rounds, difference
from lamini.chatting.streaming import Answer
from tests.chatting.speaking import alone, heard, herd, question, speakers


def all_of(rounds: Rounds, asked: Any) -> list[dict[str, Any]]:
    async def listen() -> list[dict[str, Any]]:
        return [message async for message in rounds.ask(asked)]

    return asyncio.run(listen())


def test_both_answer_what_they_answer_alone(rounds: Rounds) -> None:
    messages = all_of(rounds, question())
    for key, speaker in rounds.speakers.all.items():
        assert heard(messages, key) == alone(speaker, "Count from one to ten")
        (end,) = [one for one in messages if one["student"] == key and "end" in one]
        assert end["tokens"] <= 24 and end["seconds"] > 0
    assert [one["student"] for one in messages if one.get("state") == "begun"] == ["s0", "s1"]


def test_who_leaves_stops_the_students(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    heard_stop = []

    def slow(student: Any, asked: Any, tell: Any, stopped: Any) -> Answer:
        for n in range(1000):
            tell("word " * n)
            if stopped():
                heard_stop.append(n)
                return Answer("", n, 0.0, "stopped", False)
            time.sleep(0.01)
        raise AssertionError("nobody stopped it")

    monkeypatch.setattr(module, "answer", slow)

    async def leave() -> None:
        async for message in rounds.ask(question()):
            if "add" in message:
                break

    asyncio.run(leave())
    rounds.close()
    assert heard_stop and max(heard_stop) < 100


def test_a_student_that_breaks_leaves_the_others_alone(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = module.answer

    def broken(student: Any, *more: Any) -> Answer:
        if student is rounds.speakers.all["s0"].student:
            raise RuntimeError("a shape does not fit")
        return whole(student, *more)

    monkeypatch.setattr(module, "answer", broken)
    ends = {one["student"]: one for one in all_of(rounds, question()) if "end" in one}
    assert ends["s0"] == {
        "student": "s0", "end": "failed", "why": "RuntimeError; the terminal of chat.py says more",
    }  # fmt: skip
    assert ends["s1"]["end"] in ("whole", "length")
    assert "a shape does not fit" in capsys.readouterr().err


def test_a_student_that_is_not_there_yet_says_so(tmp_path: Path) -> None:
    waiting = Rounds(speakers(herd(tmp_path), load=False), at_once=1, threads=1)
    (message,) = all_of(waiting, question(students=["s1"]))
    waiting.close()
    assert message == {"student": "s1", "end": "failed", "why": "b-t5 waits to be loaded"}


@given(st.lists(st.text(alphabet="ab \n€", max_size=6), max_size=8))
def test_messages_put_together_give_every_text(texts: list[str]) -> None:
    before = shown = ""
    for text in texts:
        message = difference(before, text)
        shown = message.get("text", shown + message.get("add", ""))
        before = text
        assert shown == text


def test_two_rounds_at_the_same_time_do_not_mix(rounds: Rounds) -> None:
    prompts = ["Name one colour.", "Reverse the word stone."]
    random.Random(0).shuffle(prompts)

    async def both() -> list[list[dict[str, Any]]]:
        async def listen(prompt: str) -> list[dict[str, Any]]:
            return [message async for message in rounds.ask(question(prompt, max_new_tokens=16))]

        return await asyncio.gather(*map(listen, prompts))

    for prompt, messages in zip(prompts, asyncio.run(both()), strict=True):
        for key, speaker in rounds.speakers.all.items():
            assert heard(messages, key) == alone(speaker, prompt, 16)
