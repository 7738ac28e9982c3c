"""Students of a job: a process that dies, the journal, and what a signal leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lamini.children import Died
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.running import Journal, evaluate
from lamini.teacher.stopping import Stopped
from tests.evaluation.benchmarks import toys


@dataclass
class Suite:
    """Does to a student what its name says."""

    name: str = "toy"

    def plan(self, config: Any, subjects: Any) -> None:
        print("planned")

    def score(self, config: Any, subject: Any) -> Outcome:
        if subject.name == "b-stops":
            raise Stopped("the budget is spent")
        if subject.name == "c-breaks":
            raise ZeroDivisionError("division by zero\nsecond line")
        return Outcome(subject.name, "done", {"x": 0.5})

    def report(self, config: Any, subjects: Any, outcomes: Any) -> None:
        for outcome in outcomes:
            print(f"{outcome.name}: {outcome.status} {outcome.error or ''}")


@pytest.fixture
def told(tmp_path: Path) -> Any:
    toys.tasks(tmp_path)
    for name in ("a", "b-stops", "c-breaks", "d"):
        toys.run_folder(tmp_path / "herd", name, "t5")
    found = toys.config(tmp_path / "herd", tmp_path)
    found.suite = Suite()
    return found


def test_what_one_student_raises_does_not_stop_the_others(told: Any, capsys: Any) -> None:
    from lamini.children import here

    assert evaluate(told, here) == 1
    out = capsys.readouterr()
    assert out.out.splitlines()[-4:] == [
        "a: done ", "b-stops: failed the budget is spent",
        "c-breaks: failed ZeroDivisionError: division by zero", "d: done ",
    ]  # fmt: skip
    assert "Traceback" in out.err  # a mistake of ours keeps it


def test_a_process_that_dies_takes_one_student(told: Any, capsys: Any) -> None:
    from lamini.children import here

    calls: list[tuple[str, Any]] = []

    def dying(module: str, function: str, *arguments: Any) -> Any:
        if function != "score_all":
            return here(module, function, *arguments)
        config, found, left, journal, first, _ = arguments
        calls.append((function, list(left)))
        if first:
            journal.end(left[0], Outcome(found[left[0]].name, "done"))
            journal.write({"begun": left[1]})
            raise Died("score_all", -9)
        for number in left:
            journal.end(number, Outcome(found[number].name, "done"))

    assert evaluate(told, dying) == 1
    assert calls == [("score_all", [0, 1, 2, 3]), ("score_all", [2, 3])]
    out = capsys.readouterr().out
    assert "b-stops: failed its process was killed (out of memory?)" in out and "d: done" in out


@pytest.mark.parametrize("code", [1, 130])
def test_death_before_any_student_or_by_a_signal_ends_the_job(told: Any, code: int) -> None:
    def dying(module: str, function: str, *arguments: Any) -> Any:
        if code == 130:
            arguments[3].write({"begun": 0})
        raise Died("score_all", code)

    with pytest.raises(Died):
        evaluate(told, dying)


def test_the_journal_keeps_outcomes_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    outcome = Outcome("a", "failed", {"x": 0.25}, "why\nso", {"task": "because"})
    journal.write({"begun": 3})
    journal.end(3, outcome)
    assert journal.outcomes() == {3: outcome} and not outcome.ok
