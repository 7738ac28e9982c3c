"""Child processes, forked from a server that has the heavy imports loaded.

A start costs milliseconds instead of the 5-8 s of importing torch and Lightning, one student's memory never
outlives it, and one that is killed takes nobody along. The parent stays without torch and CUDA. Each child
leads a process group of its own, so that Ctrl-C in a terminal reaches it once, through the parent. The
price: `breakpoint()` in a child has no terminal.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from lamini.errors import UserError

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)  # the last: SLURM's --signal, before it ends a job
DEAF = (signal.SIGINT, signal.SIGUSR1)
PRELOAD = [
    "lamini.training.fit",
    "lamini.training.planning.plan",
    "lamini.training.planning.probe",
    "lamini.training.verify",
]


class Died(Exception):
    """A child ended without an answer; `code` is its exit status, negative for the signal that killed it."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} was killed by signal {-code}" if code < 0 else f"{what} ended with {code}")
        self.code = code


class Child:
    """One that has begun; `receiver` becomes readable when it ends (multiprocessing.connection.wait)."""

    def __init__(self, what: str, process: BaseProcess, receiver: Connection) -> None:
        self.what, self.process, self.receiver = what, process, receiver

    def heard(self) -> Any:
        """The next thing that it says.

        Raises:
            Died: it ended without a word.
        """
        try:
            return self.receiver.recv()
        except EOFError:
            self.process.join()
            raise Died(self.what, self.process.exitcode or 0) from None

    def tell(self, number: int) -> None:
        """Send it a signal."""
        if self.process.pid is not None:
            with suppress(ProcessLookupError):  # it ended this moment
                os.kill(self.process.pid, number)

    def forget(self) -> None:
        """End it where nobody will wait for it any more."""
        self.receiver.close()
        if self.process.is_alive():
            self.process.terminate()


class Children:
    """The children of this process, and the signals that go to all of them.

    `preload` are the modules that their server imports before the first child: one server a process.
    """

    def __init__(self, preload: Sequence[str] = PRELOAD) -> None:
        self.preload = list(preload)
        self.running: list[Child] = []
        self.stopped_by: int | None = None

    def call(self, module: str, function: str, *arguments: Any) -> Any:
        """`module.function(*arguments)` in a process of its own, and what it returns.

        Raises:
            UserError: the function raised it.
            Died: it was killed, or raised anything else (its traceback stands on stderr).
            KeyboardInterrupt: a signal came while no child was there to pass it on to.
        """
        return self.result(self.start(module, function, *arguments))

    def start(self, module: str, function: str, *arguments: Any, **environment: str) -> Child:
        """The same without waiting for its end: `result` does. `environment` is set before anything else.

        Raises:
            Died: it was killed before it began.
            KeyboardInterrupt: as above.
        """
        context = server(self.preload)
        receiver, sender = context.Pipe(duplex=False)
        target = (module, function, arguments, environment, sender)
        process = context.Process(target=_call, args=target)
        child = Child(f"{module}.{function}", process, receiver)
        try:
            process.start()
            self.running.append(child)
            sender.close()
            if self.stopped_by is not None:  # the signal went to the others
                child.tell(signal.SIGTERM)
            child.heard()
        except BaseException:
            self._end(child)
            raise
        return child

    def result(self, child: Child) -> Any:
        """What a child returned, once it has ended; raises as `call` does."""
        try:
            outcome = child.heard()
            child.process.join()
        finally:
            self._end(child)
        if isinstance(outcome, UserError):
            raise outcome
        return outcome

    def _end(self, child: Child) -> None:
        child.forget()
        if child in self.running:
            self.running.remove(child)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Those of STOPPING go to the children, which save and stop; without any: KeyboardInterrupt."""
        old = {number: signal.signal(number, self._stop) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        again = self.stopped_by is not None and number == signal.SIGINT
        self.stopped_by = number
        if not self.running:
            raise KeyboardInterrupt
        for child in list(
            self.running
        ):  # a Ctrl-C that is not the first does not wait for the end of the step
            child.tell(signal.SIGINT if again else signal.SIGTERM)


def server(preload: list[str]) -> ForkServerContext:
    """The running server."""
    _spin_briefly()
    _keep_few_kernels()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preload)
    with deaf():
        forkserver.ensure_running()
    return context


@contextmanager
def deaf() -> Iterator[None]:
    """What starts in here does not hear Ctrl-C or SIGUSR1; this process hears of them, mostly afterwards.

    Both may reach a whole process group: a server while it imports for seconds, and Python's resource
    tracker, which only knows better than to die of SIGINT and SIGTERM. They are blocked in this thread, which
    what starts inherits (children call `hear`), and a blocked signal waits, or another thread is given it
    (OpenBLAS has some) and Python acts at once. Ignored it would be lost then.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
    try:
        resource_tracker.ensure_running()  # a server needs it, and starting it unblocks SIGINT
        signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear() -> None:
    """Undo what a process has inherited from one that was `deaf`."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF)


def _spin_briefly() -> None:
    """Threads of torch that wait for each other soon sleep; read by OpenMP when torch is imported.

    By default they spin for long, and where anything else wants a core the thread that is waited for may not
    run: beside two busy processes on two cores t5-nano trained some ten times faster this way, and on free
    cores a twentieth more slowly. Numbers stay the same. Whoever sets OpenMP's variables is left alone.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "5000")


def _keep_few_kernels() -> None:
    """oneDNN keeps the kernels it compiled, one for each shape: 1,024 of them, and a step has new shapes.

    With 128 t5-nano learned as fast, in 0.2 GiB less after 100 steps.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def here(module: str, function: str, *arguments: Any) -> Any:
    """Import late, call in this process."""
    _spin_briefly()
    _keep_few_kernels()
    return getattr(importlib.import_module(module), function)(*arguments)


def _call(
    module: str, function: str, arguments: tuple[Any, ...], environment: dict[str, str], sender: Connection
) -> None:
    """What a child does: say that it begins, then answer with the result or with the UserError.

    Nobody may be listening any more: a line that is stopped while the server imports knows no child to end.
    """
    os.setpgrp()
    os.environ |= environment
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)  # KeyboardInterrupt, not only for Ctrl-C
    try:
        hear()
        sender.send(None)
        outcome = here(module, function, *arguments)
    except UserError as error:
        outcome = error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        return
    with suppress(BrokenPipeError):
        sender.send(outcome)
