"""All students of a job, one after another in one process: what one cannot do does not stop the others.

A process that dies (out of memory) leaves a journal of who was finished and whose turn it was: that student
failed, and another process goes on with the rest.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lamini.children import Died
from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.filled import Asked, filled
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.progress import place
from lamini.evaluation.spreading import ask_beforehand
from lamini.evaluation.subjects import Subject, subjects
from lamini.teacher.stopping import Stopped
from lamini.workers.crews import Crew

INTERRUPTED = 130  # what a child of lamini/children.py ends with after a signal

Call = Callable[..., Any]
"""(module, function, *arguments) -> what the function returns, in a child process or here."""


def evaluate(config: EvaluateConfig, call: Call, crew: Crew | None = None) -> int:
    """Plan, score every student, print the table, and return the exit status: 0, or 1 where one failed.

    With a `crew`, its workers ask beforehand what takes long, and everything is found asked.

    Raises:
        UserError: what stops the whole job, such as task data that cannot be had.
        Died: a process ended before its first student, or because of a signal.
    """
    found = subjects(config, say=lambda text: print(text, flush=True))
    if not found:
        return int(call(__name__, "collect", config))
    asked = ask_beforehand(config, found, call, crew)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl")
        while left := [number for number in range(len(found)) if number not in journal.outcomes()]:
            try:
                call(__name__, "score_all", config, found, left, journal, len(left) == len(found), asked)
            except Died as error:
                journal.died(found, error)
        outcomes = [journal.outcomes()[number] for number in range(len(found))]
    call(__name__, "report", config, found, outcomes)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def collect(config: EvaluateConfig) -> int:
    """What a suite does without students; 1 where it failed."""
    prepare_process(config)
    try:
        config.suite.collect(config)
        return 0
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        return 1


class Journal:
    """Lines of JSON: {"begun": 2}, then {"number": 2, "outcome": {...}}."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """All of it."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def outcomes(self) -> dict[int, Outcome]:
        """Number of a student -> what came of it."""
        return {line["number"]: Outcome(**line["outcome"]) for line in self.lines() if "number" in line}

    def end(self, number: int, outcome: Outcome) -> None:
        """Student `number` is through."""
        self.write({"number": number, "outcome": asdict(outcome)})

    def died(self, found: Sequence[Subject], error: Died) -> None:
        """The student whose turn it was failed; without one, or after a signal, the error goes on."""
        begun = [line["begun"] for line in self.lines() if "begun" in line]
        if not begun or begun[-1] in self.outcomes() or error.code == INTERRUPTED:
            raise error
        subject = found[begun[-1]]
        why = f"its process {_ending(error.code)}"
        print(f"{subject.name}: {why}", file=sys.stderr, flush=True)
        self.end(begun[-1], Outcome(subject.name, "failed", error=why))


def _ending(code: int) -> str:
    if code == -9:
        return "was killed (out of memory?); a smaller batch_tokens=<n> needs less"
    return f"was killed by signal {-code}" if code < 0 else f"ended with {code}; its traceback stands above"


def score_all(
    config: EvaluateConfig, found: Sequence[Subject], left: Sequence[int], journal: Journal, first: bool,
    asked: Asked,
) -> None:  # fmt: skip
    """Score the students with the numbers `left`; the `first` process says the plan. `asked` by workers.

    Raises:
        UserError: what concerns all of them.
    """
    prepare_process(config)
    filled.set(asked)
    if first:
        config.suite.plan(config, found)
    for number in left:
        journal.write({"begun": number})
        place.set(f"[{number + 1}/{len(found)}] " if len(found) > 1 else "")
        journal.end(number, _scored(config, found[number]))
        gc.collect()  # the next one needs the memory


def prepare_process(config: EvaluateConfig) -> None:
    """Threads, and no word of libraries that our own lines say better."""
    import logging

    import torch
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if (config.threads or 2) > 1 else "false"
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


def _scored(config: EvaluateConfig, subject: Subject) -> Outcome:
    """What came of one student, whatever it did."""
    if subject.obstacle:
        print(f"{subject.name}: {subject.obstacle}", file=sys.stderr, flush=True)
        return Outcome(subject.name, "failed", error=subject.obstacle)
    try:
        outcome: Outcome = config.suite.score(config, subject)
        return outcome
    except (UserError, Stopped) as error:
        why = str(error)
    except MemoryError:
        why = "out of memory; a smaller batch_tokens=<n> needs less"
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        if "OutOfMemory" in type(error).__name__:
            why += "; a smaller batch_tokens=<n> needs less"
        else:
            traceback.print_exc()
    print(f"{subject.name}: {why}", file=sys.stderr, flush=True)
    return Outcome(subject.name, "failed", error=why)


def report(config: EvaluateConfig, found: Sequence[Subject], outcomes: Sequence[Outcome]) -> None:
    """The suite's own table."""
    config.suite.report(config, found, outcomes)
