"""chat.py as a person starts it: wrong lines, and a server that loads, answers and ends cleanly."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from lamini.chatting.checks import check, whole
from lamini.chatting.command import at_once, start
from lamini.compose import compose
from lamini.errors import UserError
from lamini.runs import Job
from tests.chatting.speaking import herd

ROOT = Path(__file__).resolve().parents[2]


def config(place: Path, *words: str) -> Any:
    return compose("chat", [f"students={place}/herd", f"paths.output_dir={place}", *words])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ["host=0.0.0.0"],
            "host=0.0.0.0 can be reached from elsewhere, and the page knows no users: host=127",
        ),
        (["port=70000"], "port=70000 must lie between 0"),
        (["wrapper=both"], "wrapper=both is unknown; it can be auto bare alpaca"),
        (["device=tpu"], "device=tpu is unknown"),
        (["precision=int8"], "precision=int8 is unknown"),
        (["max_new_tokens=0"], "max_new_tokens=0 must lie between 1 and 4096"),
        (["temperature=-1"], "temperature=-1.0 must lie between 0"),
        (["at_once=0"], "at_once=0 must be at least 1, or null"),
        (["students=null"], "students= needs a folder, a hub id, or a list"),
        (["students=/nowhere/herd"], "students=/nowhere/herd is no folder"),
    ],
)
def test_wrong_lines(tmp_path: Path, words: list[str], why: str) -> None:
    herd(tmp_path)
    with pytest.raises(UserError, match=why) as caught:
        check(config(tmp_path, *words))
    assert "\n" not in str(caught.value)


def test_what_is_not_whole_is_named_and_left_out(tmp_path: Path) -> None:
    (herd(tmp_path) / "b-t5" / "export" / "tokenizer.json").unlink()
    said: list[str] = []
    assert [one.name for one in whole(config(tmp_path), said.append)] == ["a-gpt2"]
    assert len(said) == 1 and "has no tokenizer" in said[0] and said[0].endswith("left out")
    with pytest.raises(UserError, match="students: .*b-t5/export has no tokenizer"):
        check(config(tmp_path, f"students={tmp_path}/herd/b-t5"))


def test_students_share_the_cores(tmp_path: Path) -> None:
    told = config(tmp_path, "threads=8")
    assert [at_once(told, students) for students in (1, 3, 17)] == [1, 3, 4]
    assert at_once(config(tmp_path, "threads=1"), 5) == 1
    assert at_once(config(tmp_path, "at_once=7", "threads=1"), 2) == 7


def test_a_sweep_is_one_page_too_many(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is one page: leave out -m"):
        start(lambda: None, [Job(config(tmp_path), tmp_path)], multirun=True, line=[])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_loads_answers_and_ends(tmp_path: Path, environment: dict[str, str], number: int) -> None:
    line = [
        sys.executable, "chat.py", f"students={herd(tmp_path)}", "port=0", "open_browser=false", "device=cpu",
    ]  # fmt: skip
    process = subprocess.Popen(
        line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        (home,) = re.findall(r"http://127\.0\.0\.1:\d+", said[0])
        assert said[2].startswith("a-gpt2: 0.1M parameters") and said[3].startswith("b-t5: ")
        page = urllib.request.urlopen(home, timeout=30).read().decode()
        (token,) = re.findall(r'data-token="([^"]+)"', page)
        told = {"prompt": "Hi", "students": ["s0", "s1"], "max_new_tokens": 4096, "temperature": 0}
        headers = {"origin": home, "x-form-token": token, "content-type": "application/json"}
        question = urllib.request.Request(f"{home}/answers", json.dumps(told).encode(), headers)
        with urllib.request.urlopen(question, timeout=30) as answer:
            assert json.loads(answer.readline()) == {"student": "s0", "state": "begun"}
            began = time.monotonic()
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
        assert process.returncode == 0 and err == "" and time.monotonic() - began < 15
    finally:
        process.kill()
        process.communicate()
