"""Several students of a line at the same time, each in a process and in a slot of its own.

Hydra's basic launcher calls the jobs of a line one after another; `submit` keeps that order and returns when
its student has begun, `finish` when all have ended. Engines that exist were looked at first:

- joblib (loky): one worker that is killed (out of memory, by hand) is a BrokenProcessPool or
  TerminatedWorkerError that ends all the others; its workers are anonymous, so none has a GPU of its own.
- submitit's local executor: starts every job at once, without slots; `visible_gpus` is one list for all of
  them, and each job is a fresh interpreter (5-8 s of imports, where a fork from our server takes 10 ms).

Neither waits for memory. So the children that train one student after another (lamini/children.py) are
started side by side here, and connection.wait tells which of them ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from lamini.children import Child, Children, Died
from lamini.errors import UserError
from lamini.launching.slots import Place, Slots

PLAIN = {"TTY_COMPATIBLE": "0"}  # rich draws no live bar then: several on one terminal overwrite each other


@dataclass
class Running:
    """A student in its slot."""

    name: str
    child: Child
    slots: Slots
    place: Place
    needed: float


class Pool:
    """The students of a line that run now.

    `ended(name, error)` is called in this process for each that has ended; `error` is None where it came to
    its end by itself, however that is told in its run.json.
    """

    def __init__(self, children: Children, ended: Callable[[str, UserError | Died | None], None]) -> None:
        self.children, self.ended = children, ended
        self.running: list[Running] = []

    def submit(
        self, name: str, slots: Slots, needed: float, module: str, function: str, *arguments: Any
    ) -> None:
        """Wait for a slot of `needed` bytes, then start `module.function(*arguments)` in it.

        Does nothing where the line was stopped meanwhile.
        """
        while (place := slots.place(needed)) is None:
            self._wait()
        if self.children.stopped_by is not None:
            slots.leave(place, needed)
            return
        environment = PLAIN if place.visible is None else {**PLAIN, "CUDA_VISIBLE_DEVICES": place.visible}
        try:
            child = self.children.start(module, function, *arguments, **environment)
        except Died as error:
            slots.leave(place, needed)
            self.ended(name, error)
            return
        self.running.append(Running(name, child, slots, place, needed))

    def finish(self) -> None:
        """Wait until all have ended."""
        while self.running:
            self._wait()

    def _wait(self) -> None:
        """Until one of them has ended, or several."""
        ready = connection.wait([one.child.receiver for one in self.running])
        for one in [one for one in self.running if one.child.receiver in ready]:
            self.running.remove(one)
            one.slots.leave(one.place, one.needed)
            try:
                self.children.result(one.child)
            except (UserError, Died) as error:
                self.ended(one.name, error)
            else:
                self.ended(one.name, None)
