"""A student in a SLURM job that is about to end: it saves first, and a job that can go on is queued again.

submitit hears SIGUSR2 (the time limit is near) and would queue the job again at once, in the middle of a
step; SIGTERM (pre-emption, scancel) it ignores. Here both reach the student, which saves at the end of its
step (lamini/training/checkpointing/interruption.py). Then a job that ran out of time or was pre-empted is
queued again as submitit does it, and one that was cancelled ends. SLURM itself does not queue a pre-empted
job again that ends within its grace time. A lost node, `scontrol requeue` and SIGKILL need nothing of this:
the job begins anew and finds its checkpoint.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TERMINATED = 128 + signal.SIGTERM


class Stopped(BaseException):
    """The job was told to end before its student listened to signals, or after."""


class Heard:
    """The signals that came, and submitit's answer to the one it listens to."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.time_is_up = getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}")
        self.requeue: Any = signal.getsignal(self.time_is_up)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear both signals; whoever trains takes over SIGTERM meanwhile."""
        old = {number: signal.getsignal(number) for number in (signal.SIGTERM, self.time_is_up)}
        signal.signal(signal.SIGTERM, self.end)
        signal.signal(self.time_is_up, self.pass_on)
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def end(self, number: int, frame: FrameType | None) -> None:
        """SIGTERM: a student that trains calls this on its way, else nobody has anything to save."""
        self.numbers.add(number)
        if signal.getsignal(signal.SIGTERM) == self.end:
            raise Stopped

    def pass_on(self, number: int, frame: FrameType | None) -> None:
        """The time limit is near: to the student it is a SIGTERM."""
        self.numbers.add(number)
        student: Any = signal.getsignal(signal.SIGTERM)
        student(signal.SIGTERM, frame)


@contextmanager
def saved_first() -> Iterator[None]:
    """A student trains in here, in a process that a SLURM job brought.

    Raises:
        SystemExit: the job was told to end, and is queued again if it can go on.
    """
    heard = Heard()
    try:
        with heard.listening():
            yield
    except Stopped:
        pass
    if not heard.numbers:
        return
    if callable(heard.requeue) and (heard.time_is_up in heard.numbers or preempted()):
        heard.requeue(heard.time_is_up, None)  # ends the process
    sys.exit(TERMINATED)


def preempted() -> bool:
    """Whether SLURM took this job's place away for another one, and did not cancel it."""
    words = ["scontrol", "show", "job", os.environ["SLURM_JOB_ID"]]
    try:
        told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return "PreemptTime=" in told and "PreemptTime=None" not in told
