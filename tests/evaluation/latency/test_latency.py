"""Times of real tiny students: as many tokens as asked for, the same answers, timed once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.evaluation.command import check
from lamini.evaluation.latency import clock, probe
from lamini.evaluation.latency.busy import busy
from lamini.evaluation.latency.table import view
from tests.evaluation import exported

WORDS = ("suite=latency", "suite.new_tokens=5", "suite.repeats=3")


@pytest.mark.parametrize("kind", ["t5", "gpt2", "gpt-neo", "llama"])
def test_every_student_writes_as_many_tokens_and_each_is_timed(kind: str, tmp_path: Path) -> None:
    made = exported.student(kind, "bare" if kind == "t5" else "alpaca")
    prompt = clock.prompt_of(made, 51)
    times = clock.timed(made, prompt, 9)
    assert len(prompt) == 51 and len(times) == 9
    assert all(seconds > 0 for seconds in times)


def test_the_end_token_is_held_back(tmp_path: Path) -> None:
    """A student that would stop at once is timed over all tokens nevertheless."""
    made = exported.student("gpt2")
    made.end = made.continued(made.ready(), [clock.prompt_of(made, 7)], 1)[0][0]
    assert len(clock.timed(made, clock.prompt_of(made, 7), 6)) == 6


def test_results_stand_in_the_students_folder_and_are_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = exported.subject(tmp_path, "a", exported.student("t5"))
    config = exported.config(tmp_path, *WORDS)
    first = config.suite.score(config, subject)
    record = json.loads((tmp_path / "a/evaluation/latency.json").read_text())
    assert first.status == "done" and set(first.numbers) == {"token_ms", "first_ms", "answer_ms"}
    assert record["device"] == "cpu" and record["threads"] == 1 and record["hardware"]["cores"] > 0
    assert [record[name]["n"] for name in first.numbers] == [12, 3, 3]
    assert record["answer_ms"]["median"] > record["first_ms"]["median"] > 0
    monkeypatch.setattr(probe, "timed", lambda *told: pytest.fail("timed again"))
    again = config.suite.score(config, subject)
    assert again.status == "skipped" and again.numbers == first.numbers


def test_other_threads_lengths_or_weights_are_other_times(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "a", exported.student("t5"))
    for words, status in (
        ((), "done"), (("suite.new_tokens=6",), "done"), (("threads=2",), "done"),
        (("threads=2",), "skipped"), (("threads=2", "force=true"), "done"),
    ):  # fmt: skip
        config = exported.config(tmp_path, *WORDS, *words)
        assert config.suite.score(config, subject).status == status, words
    again = exported.subject(tmp_path, "a", exported.student("gpt2"))
    assert config.suite.score(exported.config(tmp_path, *WORDS, "threads=2"), again).status == "done"


def test_medians_by_hand() -> None:
    """Answers of 3, 1, 2 and 4, 2, 3 seconds: tokens of 1 2 2 3, firsts of 3 4, answers of 6 9."""
    found = probe.summary([[3, 1, 2], [4, 2, 3]])
    assert [found[name]["median"] for name in ("token_ms", "first_ms", "answer_ms")] == [2000, 3500, 7500]
    assert found["token_ms"]["n"] == 4


def test_a_busy_machine_is_told() -> None:
    assert busy({"token_ms": {"low": 2.0, "high": 6.1}})
    assert not busy({"token_ms": {"low": 2.0, "high": 5.9}})


def test_the_fastest_stands_first() -> None:
    found = {name: probe.summary([[1, ms / 1000]]) for name, ms in (("slow", 9.0), ("fast", 4.0))}
    assert list(view(found).columns[0].cells) == ["fast", "slow"]


def test_an_answer_longer_than_the_context_is_refused(tmp_path: Path) -> None:
    subject = exported.subject(tmp_path, "a", exported.student("gpt2", context=64))
    config = exported.config(tmp_path, *WORDS, "suite.prompt_tokens=60")
    with pytest.raises(
        UserError, match=r"suite.prompt_tokens=60 and suite.new_tokens=5 do not fit .* 64 positions"
    ):
        config.suite.score(config, subject)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("suite.repeats=0",), "suite.repeats=0 must be at least 1"),
        (("suite.new_tokens=1",), "suite.new_tokens=1 must be at least 2"),
        (("suite.name=a/b",), "suite.name=a/b must be the name of a file"),
        (("device=cuda",), "device=cuda: suite=latency times the CPU"),
        (("limit=3",), "limit=3 counts rows of tasks"),
        (("wrapper=both",), "wrapper=both is for log-probabilities"),
    ],
)
def test_mistakes_are_told_before_anything_is_loaded(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=told.replace("(", r"\(")):
        check(exported.config(tmp_path, "suite=latency", *words))
