"""hydra/launcher=local: which students of a line train at the same time, and with how many threads.

On GPUs as many as their forecasts fit, one after the other on a CPU: there they would only share the cores.
`hydra.launcher.jobs=<n>` runs n on a CPU all the same, with a share of the cores each. That share changes the
last bits of a result, so that it is said; trainer.threads decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamini.config import TrainConfig
from lamini.launching.machine import CONTEXT, Machine, gpu_places, host_place
from lamini.launching.options import Local
from lamini.launching.pool import Pool
from lamini.launching.slots import ALONE, Slots
from lamini.runs import Job
from lamini.search.options import Trial
from lamini.training.planning.forecast import Forecast

GPU, HOST = "cuda", "cpu"


class Lanes:
    """The slots of a line, and the students that go through them.

    `needs` is what is known of each run folder: device and bytes.
    """

    def __init__(self, pool: Pool, slots: dict[str, Slots], needs: dict[Path, tuple[str, float]]) -> None:
        self.pool, self.slots, self.needs = pool, slots, needs
        self.threads: dict[str, int] = {}

    def train(
        self, student: TrainConfig, folder: Path, number: int, total: int, trial: Trial | None = None
    ) -> None:
        """Start a student as soon as there is a slot for it."""
        kind, needed = self.needs.get(folder) or max(self.needs.values(), key=lambda need: need[1])
        if student.trainer.threads is None:
            student = replace(student, trainer=replace(student.trainer, threads=self.threads[kind]))
        run = ("lamini.training.fit", "run", student, folder, number, total, trial)
        self.pool.submit(folder.name, self.slots[kind], needed, *run)

    def described(self, jobs: Sequence[Job]) -> list[str]:
        """What a plan says about them."""
        said = []
        for kind, slots in self.slots.items():
            names = ", ".join(place.name for place in slots.places)
            said.append(f"{names}: up to {slots.most} students at a time, as memory allows")
            if any(job.config.trainer.threads is None for job in jobs):
                said[-1] += f"; {self.threads[kind]} CPU thread(s) each, which decides the last bits"
                said[-1] += " (trainer.threads=<n> fixes it)"
        return said


def lanes_of(
    local: Local,
    jobs: Sequence[Job],
    forecasts: Sequence[Forecast],
    look: Callable[[], Machine],
    pool: Pool,
    count: int,
) -> Lanes | None:
    """The lanes of a line; None where its students train one after the other in any case.

    `count` are the students that may be there at the same time.

    Raises:
        UserError: `hydra.launcher.gpus` names one that is not there.
    """
    needs = {job.folder: _need(item) for job, item in zip(jobs, forecasts, strict=True)}
    kinds = {kind for kind, _ in needs.values()}
    if count < 2 or (GPU not in kinds and (local.jobs or 1) == 1):
        return None
    machine = look()
    places: dict[str, Any] = {}
    if GPU in kinds:
        places[GPU] = gpu_places(machine, local.gpus, local.jobs_per_gpu)
    if HOST in kinds:
        places[HOST] = [host_place(machine, local.jobs or 1)]
    lanes = Lanes(pool, {kind: Slots(found) for kind, found in places.items()}, needs)
    lanes.threads = {
        kind: max(1, machine.cores // min(slots.most, count)) for kind, slots in lanes.slots.items()
    }
    return lanes


def _need(forecast: Forecast) -> tuple[str, float]:
    if forecast.device != GPU:
        return HOST, forecast.memory
    return GPU, ALONE if forecast.fills else forecast.memory + CONTEXT


def unused(local: Local, forecasts: Sequence[Forecast]) -> list[str]:
    """A sentence for each key that was set and means nothing to this line."""
    kinds = {_need(item)[0] for item in forecasts}
    keys = (("jobs_per_gpu", local.jobs_per_gpu, GPU), ("gpus", local.gpus, GPU), ("jobs", local.jobs, HOST))
    where = {GPU: "a GPU", HOST: "the CPU"}
    return [
        f"hydra.launcher.{key}={value} changes nothing: no student of this line trains on {where[kind]}"
        for key, value, kind in keys
        if value is not None and kind not in kinds
    ]
