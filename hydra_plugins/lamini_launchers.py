"""What Hydra calls to run the jobs of a sweep: it takes plugins from the package `hydra_plugins` only.

Each is a name for what stands in lamini/launching, which is imported when it is used: Hydra imports this
file at every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher


class Local(BasicLauncher):
    """hydra/launcher=local: Hydra's own, whose jobs hand their student to a child of this process."""

    def __init__(self, **options: Any) -> None:
        super().__init__()

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Call the jobs one after another, then wait for the students that train side by side."""
        from lamini.launching.line import LINE

        results = super().launch(job_overrides, initial_job_idx)
        LINE.finish()
        return results


class _Away(Launcher):
    """Sends jobs to other machines."""

    def __init__(self, **options: Any) -> None:
        """The options are read anew from the configuration, as plain values."""
        self.given: dict[str, Any] = {}

    def setup(self, **given: Any) -> None:
        """Keep what Hydra knows: hydra_context, task_function, config."""
        self.given = given


class Slurm(_Away):
    """hydra/launcher=slurm: one array through hydra-submitit-launcher (lamini/launching/slurm.py)."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit what is left to do and follow it to its end."""
        from lamini.launching.slurm import launch

        return launch(self.given, job_overrides, initial_job_idx)


class Ray(_Away):
    """hydra/launcher=ray: a task for each student (lamini/launching/ray.py)."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit what is left to do and follow it to its end."""
        from lamini.launching.ray import launch

        return launch(self.given, job_overrides, initial_job_idx)
