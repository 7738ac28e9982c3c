"""What SLURM's commands print becomes numbers; without SLURM there is one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.launching.slurm_commands import Partition, Task, ask, gpus_in, minutes, partitions, queued
from lamini.launching.ticket import Ticket


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """says("sinfo", text): a command of that name that prints the text."""

    def install(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\ncat <<'end'\n{text}\nend\n")
        (tmp_path / name).chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return install


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("1-12:00:00", 2160), ("2:30:00", 150), ("30:00", 30), ("5:30", 5), ("infinite", None), ("n/a", None)],
)
def test_time_limits(limit: str, expected: int | None) -> None:
    assert minutes(limit) == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ("(null)", 0),
        ("gpu:2", 2),
        ("gpu:a100:4(S:0-1)", 4),
        ("gpu:a100:4(S:0-1),gpu:h100:8,shard:80", 12),
        ("gpu:nvidia_a100_80gb:16", 16),
        ("craynetwork:4,gpu:1", 1),
    ],
)
def test_gpus_of_a_node(resources: str, expected: int) -> None:
    assert gpus_in(resources) == expected


def test_a_partition_is_as_rich_as_its_richest_node(says: Callable[[str, str], None]) -> None:
    says("sinfo", "main*|1-00:00:00|gpu:2\nmain*|1-00:00:00|gpu:8\ncpu|infinite|(null)")
    assert partitions() == [Partition("main", True, 1440, 8), Partition("cpu", False, None, 0)]


def test_our_tasks_are_found_by_their_tickets(says: Callable[[str, str], None]) -> None:
    """Whatever their array, in any state; jobs of others and of other lines are not."""
    lines = (
        "12_0|RUNNING|n1|None|train-aaaa", "12_1|PENDING||Resources|train-aaaa",
        "13|PENDING||(Priority)|my-herd-bbbb", "14_0|RUNNING|n2|None|train-cccc",
    )  # fmt: skip
    says("squeue", "\n".join(lines))
    tickets = [Ticket(id, "login1", "slurm", {}, ["a", "b"]) for id in ("aaaa", "bbbb")]
    assert queued(tickets) == {
        ("aaaa", 0): Task("12_0", "RUNNING", "n1", "None"),
        ("aaaa", 1): Task("12_1", "PENDING", "", "Resources"),
        ("bbbb", 0): Task("13", "PENDING", "", "(Priority)"),
    }
    assert [str(task) for task in queued(tickets).values()][:2] == ["running on n1", "pending (Resources)"]
    assert queued([]) == {}


def test_without_slurm_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"no sinfo on PATH; .* or use hydra/launcher=local"):
        partitions()


def test_what_a_command_complains_about_is_passed_on(says: Callable[[str, str], None]) -> None:
    says("sbatch", "end\necho 'sbatch: error: one' >&2; echo 'sbatch: error: two' >&2; exit 1\ncat <<'end'")
    with pytest.raises(UserError, match="^hydra/launcher=slurm: sbatch: two$"):
        ask("sbatch")
