"""Tiny students with a page: what the tests of chat.py share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from lamini.chatting.app import Defaults, build
from lamini.chatting.asking import Question
from lamini.chatting.rounds import Rounds
from lamini.chatting.speakers import Speaker, Speakers
from lamini.evaluation.subjects import named
from lamini.web.gate import Hosts
from lamini.web.text import visible
from tests.evaluation.benchmarks import toys

HOME = "http://127.0.0.1:8000"


def herd(place: Path) -> Path:
    """A T5 and a GPT-2 as finished runs."""
    toys.run_folder(place / "herd", "a-gpt2", "gpt2")
    toys.run_folder(place / "herd", "b-t5", "t5", init="pretrained")
    return place / "herd"


def speakers(place: Path, load: bool = True) -> Speakers:
    """Those of a herd."""
    found = Speakers(named(str(place), place), "auto", "cpu", "auto")
    if load:
        found.load()
    return found


def question(prompt: str = "Count from one to ten", students: Any = ("s0", "s1"), **more: Any) -> Question:
    """A question to both, greedy."""
    return Question(prompt, tuple(students), **{"max_new_tokens": 24, "temperature": 0.0, **more})


class Visitor:
    """A browser without a screen."""

    def __init__(self, rounds: Rounds) -> None:
        """Opens the page."""
        app = build(rounds, Hosts.of("127.0.0.1", 8000), Defaults(24, 0.0))
        self.client = TestClient(app, base_url=HOME, headers={"origin": HOME})
        self.page = self.client.get("/").text
        (self.token,) = re.findall(r'data-token="([^"]+)"', self.page)

    def post(self, told: Any, **headers: str) -> Any:
        """What the server answers to a question."""
        return self.client.post("/answers", json=told, headers={"x-form-token": self.token, **headers})

    def ask(self, prompt: str, students: list[str], **more: Any) -> list[dict[str, Any]]:
        """The messages of a round."""
        told = {
            "prompt": prompt, "students": students, "max_new_tokens": 24, "temperature": 0, **more,
        }  # fmt: skip
        return [json.loads(line) for line in self.post(told).text.splitlines()]


def heard(messages: list[dict[str, Any]], student: str) -> str:
    """What a page shows that puts the messages together."""
    text = ""
    for message in messages:
        if message["student"] == student:
            text = message.get("text", text + message.get("add", ""))
    return text


def alone(speaker: Speaker, prompt: str, tokens: int = 24) -> str:
    """What a student answers by itself, as a page shows it."""
    assert speaker.student is not None
    return visible(speaker.student.generate([prompt], tokens)[0])
