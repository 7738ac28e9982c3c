"""How workers are started and seen to end, whoever runs them: a crew of the line's launcher."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lamini.errors import UserError
from lamini.launching.options import Launcher, Local, Slurm

if TYPE_CHECKING:
    from lamini.runs import Job


class Crew(Protocol):
    """Starts `lamini.workers.member.serve(folder, member, badge)` in processes."""

    where: str
    """As it stands in a sentence: `2 workers in processes of this machine`."""

    def start(self, folder: Path, members: Sequence[int], badge: str) -> None:
        """Begin these workers; on a cluster they may have to wait for a place.

        Raises:
            UserError: the cluster does not take them.
        """

    def ended(self) -> dict[int, str]:
        """Workers that have ended since this was asked last, and how: `was killed by signal 9`.

        Raises:
            UserError: one that would not begin, where that is known.
        """

    def members(self) -> set[int]:
        """Those that have not been seen to end."""

    def end(self) -> None:
        """End what is left, those that still wait for a place among them."""


def crew_of(launcher: Launcher, workers: int, preload: Sequence[str]) -> Crew:
    """The crew of a launcher for so many workers; local ones have the modules `preload` loaded already."""
    if isinstance(launcher, Local):
        from lamini.workers.local import LocalCrew

        return LocalCrew(workers, preload, launcher.gpus)
    if isinstance(launcher, Slurm):
        from lamini.workers.slurm import SlurmCrew

        return SlurmCrew(launcher.options)
    from lamini.workers.on_ray import RayCrew

    return RayCrew(launcher.init, launcher.remote)


def wanted(launcher: Launcher, workers: int, multirun: bool) -> bool:
    """Whether others than this process are to work: several, or one somewhere else."""
    return workers > 1 or not (multirun or isinstance(launcher, Local))


def check(jobs: Sequence[Job], multirun: bool) -> None:
    """Refuse workers that cannot be had.

    Raises:
        UserError: less than one, a sweep whose jobs would be sent away themselves, or what the launcher says.
    """
    launcher = jobs[0].launcher
    for job in jobs:
        workers = job.config.workers
        if workers < 1:
            raise UserError(f"workers={workers} must be at least 1")
    if multirun and not isinstance(launcher, Local):
        raise UserError(
            f"-m with hydra/launcher={launcher.name}: train.py alone sends the jobs of a sweep away;"
            " give each job a line of its own"
        )
    launcher.check(jobs)
