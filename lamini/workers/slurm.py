"""Workers as an array of SLURM jobs, submitted by submitit with the launcher's own options.

Who lives is asked of `squeue`: it needs no accounting database. A job that ran into its time limit, was
pre-empted or lost its node is no accident of its task: the line sends another worker.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.launching import submitting
from lamini.launching.slurm_commands import ask

ASK = 2.0  # seconds between two questions to squeue
UNSEEN = 30.0  # seconds in which a job may not have appeared in the queue yet
LIVING = {
    "PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "RESIZING",
    "SIGNALING", "STAGE_OUT", "STOPPED", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD",
}  # fmt: skip


class SlurmCrew:
    """Jobs of one cluster; `options` are the keys of hydra-submitit-launcher."""

    where = "on SLURM"

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.jobs: dict[int, tuple[str, float]] = {}  # member -> job id, when it was submitted
        self.asked, self.known = 0.0, dict[str, str]()

    def start(self, folder: Path, members: Sequence[int], badge: str) -> None:
        """See `Crew`."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        from lamini.workers.member import serve

        name = f"{self.options.get('name', 'lamini')}-worker"
        executor = submitting.executor(self.options, name, folder / "slurm" / "%j")
        try:
            with executor.batch():
                jobs = [executor.submit(serve, folder.absolute(), member, badge) for member in members]
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise UserError(f"SLURM does not take the workers: {lines[-1] if lines else error}") from error
        now = time.monotonic()
        self.jobs |= {member: (job.job_id, now) for member, job in zip(members, jobs, strict=True)}
        print(
            f"workers wait for their places on SLURM: jobs {', '.join(job.job_id for job in jobs)}",
            flush=True,
        )

    def ended(self) -> dict[int, str]:
        """See `Crew`."""
        if not self.jobs or time.monotonic() - self.asked < ASK:
            return {}
        self.asked = time.monotonic()
        states = _states({job.split("_")[0] for job, _ in self.jobs.values()})
        if states is None:
            return {}  # the controller is busy or away: nothing is known
        found = {}
        for member, (job, since) in list(self.jobs.items()):
            state = states.get(job)
            self.known[job] = state or self.known.get(job, "")
            young = not self.known[job] and time.monotonic() - since < UNSEEN
            if state in LIVING or young:
                continue
            found[member] = f"(SLURM job {job}) ended as {self.known[job].lower() or 'unknown'}"
            del self.jobs[member]
        return found

    def members(self) -> set[int]:
        """See `Crew`."""
        return set(self.jobs)

    def end(self) -> None:
        """See `Crew`."""
        ids = [job for job, _ in self.jobs.values()]
        if ids:
            subprocess.run(["scancel", *ids], capture_output=True, check=False, timeout=60)
        self.jobs.clear()


def _states(ids: set[str]) -> dict[str, str] | None:
    """Job id -> state, of those the controller still knows; None where it does not answer."""
    which = f"--jobs={','.join(sorted(ids))}"
    try:
        told = ask("squeue", "--noheader", "--array", "--states=all", "--format=%i %T", which)
    except UserError as error:
        return {} if "Invalid job id" in str(error) else None
    return dict(words for row in told.splitlines() if len(words := row.split(maxsplit=1)) == 2)
