"""One student on ranks that torchrun or srun has started: the first checks and speaks, the rest follow.

    torchrun --nproc-per-node 8 train.py model=gpt2-xl trainer.strategy=fsdp
    srun --ntasks-per-node 8 python train.py model=gpt2-xl trainer.strategy=fsdp

Every rank composes the same line, so that the configuration needs no network; torch is imported late, when
the line is accepted. A student's own processes are never started by a rank.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lamini.children import here
from lamini.config import Mode, TrainConfig
from lamini.errors import UserError
from lamini.runs import Job, RunFolder, State
from lamini.search.options import Trial
from lamini.training.world import World, enter, world_of

INTERRUPTED = 128 + 15  # as if by SIGTERM, whatever signal it was and whichever rank it reached
FOLLOWING = 60.0  # seconds in which a rank with a mistake waits for the first one to have it too


def as_one_of(world: World, job: Job, line: Sequence[str]) -> Job:
    """The job of a line as the ranks of `world` do it together.

    Raises:
        UserError: the line says another number of devices, or a mode in which one process works.
    """
    said = [word for word in line if word.lstrip("+").startswith("trainer.devices=")]
    if said and job.config.trainer.devices != world.size:
        raise UserError(
            f"trainer.devices={job.config.trainer.devices} contradicts {world.starter}, which has started"
            f" {world.size} ranks on {world.nodes} node(s); leave the key out"
        )
    if job.config.mode is Mode.verify:
        raise UserError(f"mode=verify works in one process; start it without {world.starter}")
    return replace(job, config=on(world, job.config))


def on(world: World, config: TrainConfig) -> TrainConfig:
    """The configuration with as many devices as there are ranks."""
    return replace(config, trainer=replace(config.trainer, devices=world.size))


def check_sweep(world: World) -> None:
    """Raise UserError where each rank would start the sweep."""
    if world.size > 1:
        raise UserError(
            f"-m cannot be combined with {world.starter}, which has started the ranks of one student; start"
            " the sweep as one process, or each student with a line of its own"
        )


def train(
    config: TrainConfig, folder: Path, number: int = 1, total: int = 1, trial: Trial | None = None
) -> int:
    """One rank's part of a student; returns its exit status. The first rank has checked the line by now.

    Raises:
        UserError: on the first rank, what stops them all; on another one, that the first has ended.
    """
    world = world_of()
    enter(world)
    from lamini.launching.meeting import Meeting

    meeting = Meeting(world)
    if world.rank:
        status = meeting.follow()
        if status is not None:
            return status
        meeting.group(_backend(config))
        here("lamini.training.fit", "life", world.rank, config, folder, number, total, trial)
        return 0  # the first rank tells how the student ended
    run = RunFolder(folder)
    if run.state(config) is State.done or (trial and run.pruned(config)):
        print(f"{folder.name}: done already, skipped", flush=True)
        meeting.end(0)
        return 0

    def meet() -> None:
        meeting.begin(folder)
        meeting.group(_backend(config))

    try:
        here("lamini.training.fit", "run", config, folder, number, total, trial, meet)
    except UserError:
        meeting.end(2)
        raise
    return _status(str(run.record().get("status")))


def stop(status: int) -> None:
    """The first rank: tell the others that nothing will be trained."""
    world = world_of()
    if world.size > 1 and world.rank == 0:
        enter(world)
        from lamini.launching.meeting import Meeting

        Meeting(world, FOLLOWING).end(status)


def mistaken(text: str) -> None:
    """Tell a mistake once: the first rank does, and another one only what the first has not found."""
    try:
        world = world_of()
    except UserError:  # what is told is that nobody knows which rank this is
        world = World()
    if world.rank == 0:
        print(text, file=sys.stderr, flush=True)
        if world.size > 1:
            stop(2)
        return
    enter(world)
    from lamini.launching.meeting import Meeting

    if not Meeting(world, FOLLOWING).fail(text):
        print(f"{text} (rank {world.rank} on {socket.gethostname()})", file=sys.stderr, flush=True)


def _backend(config: TrainConfig) -> str:
    """What the ranks talk with: Lightning's choice for the device."""
    from lamini.training.devices import uses_cuda

    return "nccl" if uses_cuda(config.trainer) else "gloo"


def _status(status: str) -> int:
    return {"done": 0, "interrupted": INTERRUPTED}.get(status, 1)
