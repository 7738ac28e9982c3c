"""The composed `hydra.launcher` as one of ours: what runs the jobs of a line, and what it can be refused for.

Hydra keeps its launcher outside the tree that lamini/schema.py validates, so this is its typed merge. It
imports nothing heavy: submitit and Ray are first imported by a check that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lamini.errors import UserError
from lamini.mistakes import explain

if TYPE_CHECKING:
    from lamini.runs import Job

PLUGINS = "hydra_plugins.lamini_launchers."
BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
REMOTE_SCRIPTS = ("train", "generate", "evaluate")


@dataclass(frozen=True)
class Local:
    """Students in child processes of this one."""

    jobs_per_gpu: int | None  # students that share a GPU; null: as many as the memory forecast lets fit
    gpus: list[int] | None  # which GPUs to use; null: all that CUDA_VISIBLE_DEVICES shows
    jobs: int | None  # students at a time without a GPU; null: one
    name: ClassVar[str] = "local"

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise UserError for numbers that mean nothing; which GPUs there are is known later."""
        for key, number in {"jobs_per_gpu": self.jobs_per_gpu, "jobs": self.jobs}.items():
            if number is not None and number < 1:
                raise UserError(f"hydra.launcher.{key}={number} must be at least 1, or null")
        gpus = self.gpus
        if gpus is not None and (not gpus or min(gpus) < 0 or len(set(gpus)) < len(gpus)):
            raise UserError(
                f"hydra.launcher.gpus={gpus} must name GPUs by their numbers, each once: [0,2]; null: all"
            )


@dataclass(frozen=True)
class Slurm:
    """One array of a SLURM cluster; `options` are hydra-submitit-launcher's keys, as Hydra checked them."""

    options: dict[str, Any]
    name: ClassVar[str] = "slurm"

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise UserError for what the cluster would refuse, or for no cluster."""
        from lamini.launching import slurm_checks

        slurm_checks.check(self.options)

    def elsewhere(self, folder: Path) -> set[str]:
        """Runs of the sweep `folder` that an earlier start of the line queued and that have not ended."""
        from lamini.launching import slurm

        return {*slurm.waiting(folder)}


@dataclass(frozen=True)
class Ray:
    """Tasks of a Ray cluster; the arguments of `ray.init` and `ray.remote`."""

    init: dict[str, Any]
    remote: dict[str, Any]
    name: ClassVar[str] = "ray"

    @property
    def threads(self) -> int:
        """CPU threads of a student, as many as its task has cores."""
        return max(1, int(self.remote.get("num_cpus") or 1))

    def check(self, jobs: Sequence[Job]) -> None:
        """Connect; raise UserError for no cluster, what it does not have, nodes that are not like ours."""
        from lamini.launching import ray_cluster

        ray_cluster.connect(self)
        for job in jobs:
            ray_cluster.check_room(self, job.config)
        ray_cluster.check_nodes(sorted({job.folder if job.search else job.folder.parent for job in jobs}))


Launcher = Local | Slurm | Ray
HERE = Local(jobs_per_gpu=None, gpus=None, jobs=None)


def launcher_of(node: DictConfig) -> Launcher:
    """The launcher that the node `hydra.launcher` of a composed configuration names.

    Raises:
        UserError: a launcher that is none of ours, an unknown key, a value of the wrong type.
    """
    try:
        tree: Any = OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        target = str(tree.pop("_target_"))
        if target == BASIC:
            return HERE
        if target == f"{PLUGINS}Local":
            return _local(tree)
    except OmegaConfBaseException as error:
        raise UserError(f"hydra.launcher.{explain(error)}") from error
    if target == f"{PLUGINS}Slurm":
        return Slurm(tree)
    if target == f"{PLUGINS}Ray":
        return Ray(tree["ray"]["init"], tree["ray"]["remote"])
    raise UserError(f"hydra/launcher must be local, slurm or ray; {target} is none of them")


def _local(tree: dict[str, Any]) -> Local:
    merged = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Local), tree))
    assert isinstance(merged, Local)
    return merged


def suits(launcher: Launcher, script: str, multirun: bool) -> None:
    """Raise UserError where Hydra or we would run the line here although another launcher was chosen."""
    if isinstance(launcher, Local):
        return
    if script not in REMOTE_SCRIPTS:
        raise UserError(f"hydra/launcher={launcher.name}: {script}.py runs on this machine only")
    if script == "train" and not multirun:
        raise UserError(f"hydra/launcher={launcher.name} launches the jobs of a sweep: add -m")
