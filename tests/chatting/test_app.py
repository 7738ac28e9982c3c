"""The routes: the page, the state of the students, streamed answers, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamini.chatting.rounds import Rounds
from lamini.web.gate import HEADERS
from tests.chatting.speaking import HOME, Visitor, alone, heard, herd, speakers
from tests.evaluation.benchmarks import toys

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    one = Rounds(speakers(herd(tmp_path_factory.mktemp("app"))), at_once=2, threads=2)
    yield one
    one.close()


@pytest.fixture
def visitor(rounds: Rounds) -> Visitor:
    return Visitor(rounds)


def test_the_page_names_all_students_and_marks_those_from_scratch(visitor: Visitor) -> None:
    assert visitor.page.count('type="checkbox"') == 2 and visitor.page.count("from scratch") == 1
    assert visitor.page.index("a-gpt2") < visitor.page.index("from scratch") < visitor.page.index("b-t5")
    states = visitor.client.get("/students").json()
    assert [one["state"] for one in states] == ["ready", "ready"] and all(one["bytes"] for one in states)


def test_answers_come_line_by_line(visitor: Visitor, rounds: Rounds) -> None:
    messages = visitor.ask("Name one colour.", ["s0", "s1"])
    for key, speaker in rounds.speakers.all.items():
        assert heard(messages, key) == alone(speaker, "Name one colour.")
    assert [one for one in visitor.ask("Name one colour.", ["s1"]) if one["student"] == "s0"] == []


def test_what_is_wrong_is_said(visitor: Visitor) -> None:
    told = {"prompt": "", "students": ["s0"], "max_new_tokens": 8, "temperature": 0}
    answer = visitor.post(told)
    assert (answer.status_code, answer.json()) == (400, {"error": "The prompt is empty."})
    assert visitor.client.get("/answers").status_code == 405
    assert visitor.client.get("/nothing").status_code == 404


def test_other_pages_cannot_ask(visitor: Visitor) -> None:
    told = {"prompt": "Hi", "students": ["s0"], "max_new_tokens": 1, "temperature": 0}
    assert visitor.post(told, origin="http://evil.example").status_code == 403
    assert visitor.post(told, **{"x-form-token": "guessed"}).status_code == 403
    assert visitor.post(told, host="evil.example:8000").status_code == 421
    assert visitor.post(told, **{"content-type": "text/plain"}).status_code == 415
    assert visitor.post(told).status_code == 200


@pytest.mark.parametrize("path", ["/", "/students", "/static/chat.js", "/static/base.css", "/nothing"])
def test_every_answer_carries_the_policy(visitor: Visitor, path: str) -> None:
    answer = visitor.client.get(path, headers={"origin": HOME})
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/rate.js", "/static/chat.html", "/app.py"])
def test_nothing_else_is_served(visitor: Visitor, path: str) -> None:
    assert visitor.client.get(path).status_code == 404


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    toys.run_folder(tmp_path / "herd", HOSTILE.replace("/", ""), "t5")
    rounds = Rounds(speakers(tmp_path / "herd", load=False), at_once=1, threads=1)
    page = Visitor(rounds).page
    rounds.close()
    assert HOSTILE not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
