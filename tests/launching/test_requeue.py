"""A SLURM job that is told to end: the student saves first, then the job is queued again, or ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lamini.launching import requeue
from lamini.training.checkpointing.interruption import Interrupted, Interruption

SAVED: list[str] = []


def trains(number: int) -> None:
    """A student that hears a signal in the middle of a step, and saves at its end."""
    interruption = Interruption()
    try:
        with interruption.listening():
            interruption.training = True
            os.kill(os.getpid(), number)
            assert interruption.asked
            raise Interrupted
    except Interrupted:
        SAVED.append("saved")


def prepares(number: int) -> None:
    """One that has not begun: it does not listen yet."""
    os.kill(os.getpid(), number)
    SAVED.append("went on")


@pytest.fixture(autouse=True)
def submitit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[int]]:
    """What a submitit job has set up: its handler of SIGUSR2, here a list, and deafness to SIGTERM."""
    called: list[int] = []
    numbers = (signal.SIGUSR2, signal.SIGTERM)
    old = [signal.signal(number, lambda number, frame: called.append(number)) for number in numbers]
    SAVED.clear()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    says(tmp_path, "PreemptTime=None")
    yield called
    for number, handler in zip(numbers, old, strict=True):
        signal.signal(number, handler)


def says(folder: Path, text: str) -> None:
    """What `scontrol show job` says."""
    (folder / "scontrol").write_text(f"#!/bin/sh\n[ \"$*\" = 'show job 7' ] && echo 'JobId=7 {text}'\n")
    (folder / "scontrol").chmod(0o755)


@pytest.mark.parametrize(("what", "left"), [(trains, ["saved"]), (prepares, [])])
@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM])
@pytest.mark.parametrize("preempted", [True, False])
def test_a_job_with_a_future_is_queued_again(
    what: Callable[[int], None],
    left: list[str],
    number: int,
    preempted: bool,
    submitit: list[int],
    tmp_path: Path,
) -> None:
    """The time limit (SIGUSR2), or a SIGTERM that is a pre-emption; else the job was cancelled."""
    says(tmp_path, "PreemptTime=2026-01-01T00:00:00" if preempted else "PreemptTime=None")
    again = preempted or number == signal.SIGUSR2
    with pytest.raises(SystemExit) as end, requeue.saved_first():
        what(number)
    assert end.value.code == requeue.TERMINATED
    assert left == SAVED
    assert submitit.count(signal.SIGUSR2) == int(again)


def test_a_job_that_nobody_disturbs_returns(submitit: list[int]) -> None:
    numbers = (signal.SIGTERM, signal.SIGUSR2)
    before = [signal.getsignal(number) for number in numbers]
    with requeue.saved_first():
        SAVED.append("done")
    assert (SAVED, submitit) == (["done"], [])
    assert [signal.getsignal(number) for number in numbers] == before
