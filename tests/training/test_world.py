"""Which rank a process is, from what torchrun and srun put into its environment."""

from __future__ import annotations

import os

import pytest

from lamini.errors import UserError
from lamini.training.ranks import told
from lamini.training.world import World, enter, first_host, world_of

SRUN = {
    "SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_TASKS_PER_NODE": "4(x2)",
    "SLURM_NODEID": "1", "SLURM_LOCALID": "2", "SLURM_PROCID": "5", "SLURM_JOB_ID": "77",
    "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "gpu[07-08]",
}  # fmt: skip
TORCHRUN = {
    "RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "GROUP_RANK": "1",
    "TORCHELASTIC_RUN_ID": "none",
}  # fmt: skip


def test_one_process_is_a_world_of_its_own() -> None:
    assert world_of({}) == World() and World().nodes == 1
    assert world_of({"SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "4"}).size == 1
    assert world_of({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}).size == 1  # a batch script without srun
    assert world_of({"RANK": "1", "WORLD_SIZE": "2"}).size == 1  # pods carry these for whoever wants them


def test_torchrun_says_it() -> None:
    world = world_of(TORCHRUN)
    assert world == World(rank=5, size=8, local_rank=1, local_size=4, node=1, starter="torchrun")
    assert world.nodes == 2


def test_srun_says_it_and_its_own_order_of_tasks_does_not_matter() -> None:
    """With --distribution=cyclic, task 5 is the third one of the second node: rank 6."""
    assert world_of(SRUN) == World(rank=6, size=8, local_rank=2, local_size=4, node=1, starter="srun")


def test_a_rank_of_srun_tells_what_torchrun_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SRUN.items():
        monkeypatch.setenv(name, value)
    for name in (*told(World()), "MASTER_ADDR", "MASTER_PORT", "LAMINI_RANKS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    world = world_of()
    enter(world)
    assert world_of() == world
    assert os.environ["MASTER_ADDR"] == "gpu07" and 20000 <= int(os.environ["MASTER_PORT"]) < 40000
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    enter(world)
    assert os.environ["MASTER_ADDR"] == "10.0.0.1"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {**SRUN, "SLURM_STEP_TASKS_PER_NODE": "5,3"},
            "unevenly over 2 nodes .5,3.; give every node as many",
        ),
        ({**TORCHRUN, "LOCAL_WORLD_SIZE": "3"}, "give all of them the same --nproc-per-node"),
        ({**TORCHRUN, "RANK": "five"}, "cannot be read .*five"),
        ({**SRUN, "SLURM_LOCALID": ""}, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        world_of(change)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("n[1-2]", "n1"), ("gpu[003-007,12],cpu1", "gpu003"), ("rack1-gpu2,rack1-gpu3", "rack1-gpu2"),
     ("a[1-2]-b", "a1-b")],
)  # fmt: skip
def test_the_first_of_slurms_nodes(nodes: str, first: str) -> None:
    assert first_host(nodes, 2) == first
    assert first_host(nodes, 1) == "127.0.0.1"
