"""Parts of the work side by side in processes of one thread each, with a line for whoever waits.

Processes are started afresh (spawn): forking a process in which Arrow or a tokenizer has threads may hang.
What they are given and give back is small; the rows are mapped from disk. The result does not depend on how
many there are.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from lamini.errors import UserError
from lamini.report import duration

T = TypeVar("T")
SECONDS = 15.0
"""Between two lines of one piece of work."""


class Progress:
    """Lines of what is done of one piece of work, SECONDS apart, with the time left at the pace so far."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.began = self.said = time.perf_counter()

    def at(self, done: int) -> None:
        """Say how far it is, if enough time has passed."""
        now = time.perf_counter()
        if 0 < done < self.total and now - self.said >= SECONDS:
            self.said = now
            left = duration((now - self.began) / done * (self.total - done))
            say(f"{self.title}: {done:,} of {self.total:,} {self.unit}, about {left} left")


def say(text: str) -> None:
    """A line on standard output, at once."""
    print(text, flush=True)


def each(
    function: Callable[..., T],
    jobs: Sequence[tuple[Any, ...]],
    sizes: Sequence[int],
    processes: int,
    title: str,
) -> list[T]:
    """`function(*job)` for every job, in their order; the largest of `sizes` (rows) are started first.

    Raises:
        UserError: a job raised it, or a process was killed.
    """
    progress = Progress(title, sum(sizes), "rows")
    results: dict[int, T] = {}
    order = sorted(range(len(jobs)), key=lambda n: -sizes[n])
    if processes == 1 or len(jobs) < 2:
        for n in order:
            results[n] = function(*jobs[n])
            progress.at(sum(sizes[done] for done in results))
        return [results[n] for n in range(len(jobs))]
    pool = ProcessPoolExecutor(min(processes, len(jobs)), get_context("spawn"), initializer=_begin)
    try:
        waiting = {pool.submit(function, *jobs[n]): n for n in order}
        for future in as_completed(waiting):
            results[waiting[future]] = future.result()
            progress.at(sum(sizes[done] for done in results))
    except BrokenProcessPool:
        raise UserError(
            f"{title}: a process was killed, perhaps for want of memory; try processes=1"
        ) from None
    except BaseException:  # nobody waits for what the others are at
        for child in active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [results[n] for n in range(len(jobs))]


def _begin() -> None:
    """In a new process: one thread, no Ctrl-C of its own, no life after the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import pyarrow as pa

    pa.set_cpu_count(1)


def _end_with_parent() -> None:
    """A killed parent cannot tell its children, and they would wait for work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
