"""Which of how many processes of one student this is, as torchrun, srun or lamini/training/ranks.py say it.

Whoever starts the ranks tells them in the environment, and that is the only place where it stands. Imports
nothing heavy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lamini.errors import UserError

FIRST_PORT, PORTS = 20000, 20000  # of SLURM steps that name none: below those that systems give away


@dataclass(frozen=True)
class World:
    """All ranks of a student, and the place of this one: node 1, local rank 0 of 2 x 4 is rank 4 of 8."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    node: int = 0
    starter: str = ""  # torchrun, srun, or "" for what this project starts itself

    @property
    def nodes(self) -> int:
        """Machines, or what stands for one."""
        return self.size // self.local_size


def world_of(environment: Mapping[str, str] = os.environ) -> World:
    """The place of the process whose environment this is.

    Raises:
        UserError: nodes with different numbers of processes, or variables that are no numbers.
    """
    try:
        return _world(environment)
    except (KeyError, ValueError) as error:
        raise UserError(
            f"the environment of this rank cannot be read ({error}); start it with torchrun or srun"
        ) from error


def _world(environment: Mapping[str, str]) -> World:
    if "RANK" in environment and "LOCAL_WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK")
        rank, size, local_rank, local_size, node = (int(environment[name]) for name in names)
        starter = "torchrun" if "TORCHELASTIC_RUN_ID" in environment else environment.get("LAMINI_RANKS", "")
        return _even(World(rank, size, local_rank, local_size, node, starter))
    size = int(environment.get("SLURM_STEP_NUM_TASKS", "1"))  # srun's alone: a batch script has none
    if size == 1:
        return World()
    nodes = int(environment["SLURM_STEP_NUM_NODES"])
    local, node = int(environment["SLURM_LOCALID"]), int(environment["SLURM_NODEID"])
    if size % nodes or not re.fullmatch(r"\d+(\(x\d+\))?", environment["SLURM_STEP_TASKS_PER_NODE"]):
        raise UserError(
            f"srun has spread {size} tasks unevenly over {nodes} nodes"
            f" ({environment['SLURM_STEP_TASKS_PER_NODE']}); give every node as many with --ntasks-per-node"
        )
    each = size // nodes
    return World(node * each + local, size, local, each, node, "srun")


def _even(world: World) -> World:
    if world.rank != world.node * world.local_size + world.local_rank or world.size % world.local_size:
        raise UserError(
            "torchrun has started different numbers of processes on the nodes; give all of them the same"
            " --nproc-per-node"
        )
    return world


def enter(world: World) -> None:
    """Under srun, say what torchrun says to its ranks, for those below us who read it.

    MASTER_ADDR and MASTER_PORT hold where they are set.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # a rank that ends is no warning of many lines
    if world.starter != "srun":
        return
    job, step = int(os.environ["SLURM_JOB_ID"]), int(os.environ["SLURM_STEP_ID"])
    os.environ |= told(world) | {"LAMINI_RANKS": "srun"}
    os.environ.setdefault("MASTER_ADDR", first_host(os.environ["SLURM_STEP_NODELIST"], world.nodes))
    os.environ.setdefault("MASTER_PORT", str(FIRST_PORT + (job * 31 + step) % PORTS))


def told(world: World) -> dict[str, str]:
    """The variables that tell a rank its place; Lightning reads them too."""
    return {
        "RANK": str(world.rank), "WORLD_SIZE": str(world.size), "LOCAL_RANK": str(world.local_rank),
        "LOCAL_WORLD_SIZE": str(world.local_size), "GROUP_RANK": str(world.node),
    }  # fmt: skip


def first_host(nodes: str, count: int) -> str:
    """The first of SLURM's list of nodes; on one node the ranks need no network.

    `gpu[003-007,12],cpu1` -> `gpu003`; `rack1-gpu2` -> itself.
    """
    if count == 1:
        return "127.0.0.1"
    found = re.match(r"([^\[,]*)(?:\[(\w+)[^\]]*\])?([^,\[]*)", nodes)
    assert found is not None
    return found[1] + (found[2] or "") + found[3]
