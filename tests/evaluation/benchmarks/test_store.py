"""The request store: what survives a kill, what a cut line costs, and how fast it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.api.instance import Instance

from lamini.errors import UserError
from lamini.evaluation.benchmarks.store import Answer, RequestStore, keys_of, request_key

WRITER = """
import sys, time
from pathlib import Path
from lamini.evaluation.benchmarks.store import Answer, RequestStore
store = RequestStore(Path(sys.argv[1]), {})
for number in range(10**9):
    store.add(f"{number:032x}", Answer((-float(number), True), False))
    if number == 1000:
        time.sleep(0.6)
    if number == 2000:
        print("ready", flush=True)
        time.sleep(600)
"""


def test_answers_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.jsonl"
    answers = {
        "a": Answer((-1.5, True)), "b": Answer((float("-inf"), False), True),
        "c": Answer("text\nof two lines"), "d": Answer(-12.25),
    }  # fmt: skip
    with RequestStore(path, {"student": "x"}) as store:
        for key, answer in answers.items():
            store.add(key, answer)
    with RequestStore(path, {"student": "x"}) as store:
        assert store.found == answers
    assert json.loads(path.read_text().splitlines()[0]) == {"about": {"student": "x"}}


def test_a_line_that_was_cut_is_left_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.jsonl"
    with RequestStore(path, {}) as store:
        store.add("a", Answer((-1.0, True)))
        store.add("b", Answer((-2.0, True)))
    path.write_bytes(path.read_bytes()[:-9])
    with RequestStore(path, {}) as store:
        assert set(store.found) == {"a"}
        store.add("c", Answer((-3.0, False)))
    with RequestStore(path, {}) as store:
        assert set(store.found) == {"a", "c"}


def test_a_killed_process_loses_half_a_second_at_most(tmp_path: Path) -> None:
    path = tmp_path / "store.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    with RequestStore(path, {}) as store:
        assert len(store.found) >= 1001


def test_a_hundred_thousand_answers_are_a_matter_of_seconds(tmp_path: Path) -> None:
    requests = [
        Instance("loglikelihood", {}, (f"context {n // 4}", f" {n}"), 0, metadata=("t", n, 1))
        for n in range(100_000)
    ]
    began = time.perf_counter()
    with RequestStore(tmp_path / "store.jsonl", {}) as store:
        for (key,) in keys_of(requests):
            store.add(key, Answer((-1.234567890123, False)))
    with RequestStore(tmp_path / "store.jsonl", {}) as store:
        assert len(store.found) == 100_000
    assert time.perf_counter() - began < 10


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(), st.text()), min_size=2, max_size=6, unique=True))
def test_different_requests_have_different_keys(pairs: list[tuple[str, str]]) -> None:
    keys = [request_key("loglikelihood", pair) for pair in pairs]
    assert len(set(keys)) == len(keys)
    assert request_key("loglikelihood", pairs[0]) != request_key("generate_until", pairs[0])


def test_sampled_answers_are_as_many_as_wanted() -> None:
    greedy = Instance("generate_until", {}, ("a", {"do_sample": False}), 0, metadata=("t", 0, 3))
    sampled = Instance("generate_until", {}, ("a", {"do_sample": True}), 0, metadata=("t", 0, 3))
    assert [len(keys) for keys in keys_of([greedy, sampled])] == [1, 3]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="paths.cache_dir"):
        RequestStore(tmp_path / "file" / "store.jsonl", {})
