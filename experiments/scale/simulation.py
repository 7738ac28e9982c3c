"""A launcher's scheduling as discrete events: students wait for GPUs, are slowed down, cut off, queued again.

What list scheduling (schedule.py) and expected times (checkpoints.py) leave out is how those meet: one late
student decides when a herd is done, an interrupted one goes back into the queue behind whoever took its GPUs,
a lost machine takes all that ran on it. Without chance this gives schedule.py's times to the last bit, which
a test checks.

Students are taken in the order of the line; the first that waits lets nobody pass. A student of several
GPUs gets them on as few machines as possible. One random generator per simulation: the same seed gives the
same events.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from checkpoints import NEVER, Job, duration, kept, trained


@dataclass(frozen=True)
class Weather:
    """What goes wrong, in seconds and a second; the default is nothing."""

    preemption: float = 0.0  # interruptions a second of each machine that a student holds
    notice: float = 0.0  # seconds between the signal and the end: enough to write a checkpoint, or not
    queue: float = 0.0  # until an interrupted student may start again
    straggling: float = 0.0  # probability that a machine is slow
    slowness: float = 1.0  # how many times longer a step takes with one slow machine among those held
    lost_at: float = NEVER  # one machine is lost then, without notice
    lost_for: float = NEVER


@dataclass
class Outcome:
    """What came out; `ends` in the order of the line."""

    ends: list[float]
    held: float = 0.0  # GPU seconds that students had GPUs
    repeated: float = 0.0  # GPU seconds of training that was done again
    interruptions: int = 0

    @property
    def makespan(self) -> float:
        """When the last one ended."""
        return max(self.ends, default=0.0)


@dataclass
class Launch:
    """A student on its GPUs."""

    number: int
    machines: dict[int, int]  # machine -> GPUs held there
    began: float
    slow: float


@dataclass
class Simulation:
    """One run of events; `run` gives the outcome."""

    jobs: Sequence[Job]
    gpus: int
    per_machine: int
    weather: Weather
    seed: int = 0
    now: float = 0.0
    events: list[tuple[float, int, str, int]] = field(default_factory=list)  # time, count, kind, of whom
    count: int = 0

    def run(self) -> Outcome:
        """All events until the last student is done."""
        whole, rest = divmod(self.gpus, self.per_machine)
        self.free = dict.fromkeys(range(whole), self.per_machine) | ({whole: rest} if rest else {})
        self.random = random.Random(self.seed)
        self.slow = {n for n in self.free if self.random.random() < self.weather.straggling}
        self.down: dict[int, int] = {}  # machine that is lost -> GPUs it had
        self.done = [0.0] * len(self.jobs)  # seconds of work on the disk
        self.waiting = list(range(len(self.jobs)))  # a heap: the order of the line
        self.running: dict[int, Launch] = {}  # by the count of its ending event
        self.outcome = Outcome([0.0] * len(self.jobs))
        if self.weather.lost_at < NEVER:
            self._later(self.weather.lost_at, "lost", self.random.choice(sorted(self.free)))
        self._dispatch()
        while self.events and self._unfinished():
            self.now, count, kind, whom = heapq.heappop(self.events)
            self._happen(kind, whom, count)
            self._dispatch()
        for number in self.waiting:  # for GPUs that never come back
            self.outcome.ends[number] = NEVER
        return self.outcome

    def _unfinished(self) -> bool:
        return bool(self.running or self.waiting or any(kind == "queued" for _, _, kind, _ in self.events))

    def _later(self, time: float, kind: str, whom: int) -> int:
        self.count += 1
        heapq.heappush(self.events, (time, self.count, kind, whom))
        return self.count

    def _happen(self, kind: str, whom: int, count: int) -> None:
        if kind == "queued":
            heapq.heappush(self.waiting, whom)
        elif kind == "lost":
            self._lose(whom)
        elif kind == "back":
            self.free[whom] = self.down.pop(whom)
        elif count in self.running:  # else its machine was lost before
            launch = self.running.pop(count)
            self._release(launch)
            if kind == "end":
                self.outcome.ends[launch.number] = self.now
            else:
                self._interrupted(launch, self.weather.notice)

    def _dispatch(self) -> None:
        """Start whoever is first in the line while there are GPUs for it."""
        while self.waiting:
            machines = self._place(self.jobs[self.waiting[0]].gpus)
            if machines is None:
                return
            self._start(heapq.heappop(self.waiting), machines)

    def _place(self, gpus: int) -> dict[int, int] | None:
        """GPUs on as few machines as possible, the fullest that suffices; None: not enough are free."""
        if sum(self.free.values()) < gpus:
            return None
        enough = [(free, n) for n, free in self.free.items() if free >= gpus]
        if enough:
            return {min(enough)[1]: gpus}
        taken: dict[int, int] = {}
        for n, free in sorted(self.free.items(), key=lambda item: (-item[1], item[0])):
            taken[n] = min(free, gpus - sum(taken.values()))
            if sum(taken.values()) == gpus:
                break
        return taken

    def _start(self, number: int, machines: dict[int, int]) -> None:
        job = self.jobs[number]
        for n, gpus in machines.items():
            self.free[n] -= gpus
        slow = self.weather.slowness if self.slow & machines.keys() else 1.0
        seconds = duration(job, self.done[number], slow)
        rate = self.weather.preemption * len(machines)
        until = self.random.expovariate(rate) if rate else NEVER
        kind = "end" if seconds <= until else "stop"
        count = self._later(self.now + min(seconds, until), kind, number)
        self.running[count] = Launch(number, machines, self.now, slow)

    def _release(self, launch: Launch) -> None:
        for n, gpus in launch.machines.items():
            if n in self.free:
                self.free[n] += gpus
        self.outcome.held += (self.now - launch.began) * self.jobs[launch.number].gpus

    def _interrupted(self, launch: Launch, notice: float) -> None:
        """Keep what is on the disk, or all of it where the notice was long enough, and queue again."""
        job, before = self.jobs[launch.number], self.done[launch.number]
        facts = (job, self.now - launch.began, before, launch.slow)
        progress = trained(*facts)
        saved = notice > 0 and notice >= job.write
        self.done[launch.number] = progress if saved else kept(*facts)
        self.outcome.repeated += (progress - self.done[launch.number]) * job.gpus
        self.outcome.interruptions += 1
        writing = job.write if saved else 0.0
        self.outcome.held += writing * job.gpus
        self._later(self.now + writing + self.weather.queue, "queued", launch.number)

    def _lose(self, machine: int) -> None:
        whole = self.free.pop(machine) + sum(
            launch.machines.get(machine, 0) for launch in self.running.values()
        )
        self.down[machine] = whole
        for count, launch in list(self.running.items()):
            if machine in launch.machines:
                del self.running[count]
                self._release(launch)
                self._interrupted(launch, notice=0.0)
        if self.weather.lost_for < NEVER:
            self._later(self.now + self.weather.lost_for, "back", machine)


def simulate(
    jobs: Sequence[Job], gpus: int, per_machine: int = 8, weather: Weather | None = None, seed: int = 0
) -> Outcome:
    """One herd on one cluster."""
    return Simulation(jobs, gpus, per_machine, weather or Weather(), seed).run()
