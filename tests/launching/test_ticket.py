"""A worker begins only in the driver's own folder and with the driver's own versions."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.launching.ticket import admit, issue, tickets, versions


def test_a_worker_in_the_same_folder_is_admitted(tmp_path: Path) -> None:
    ticket = issue(tmp_path / "herd", "slurm", ["t5-nano", "gpt2-nano"])
    assert admit(tmp_path / "herd", ticket.badge) == ticket
    assert [*tickets(tmp_path / "herd")] == [ticket]
    assert ticket.versions.keys() == {
        "lamini", "python", "torch", "transformers", "pytorch-lightning", "numpy", "commit",
    }  # fmt: skip


def test_a_folder_that_is_not_shared_is_noticed(tmp_path: Path) -> None:
    """The worker's folder of the same name is another one: the ticket is not in it."""
    ticket = issue(tmp_path / "drivers", "ray", [])
    (tmp_path / "workers").mkdir()
    badge = f"{ticket.id}@login1"
    with pytest.raises(UserError, match=rf"workers on {socket.gethostname()} is not .* that login1 writes"):
        admit(tmp_path / "workers", badge)


def test_other_versions_are_refused_and_both_named(tmp_path: Path) -> None:
    ticket = issue(tmp_path, "slurm", [])
    told = json.loads(ticket.path(tmp_path).read_text())
    told["versions"] |= {"torch": "2.0.0", "commit": "abc"}
    ticket.path(tmp_path).write_text(json.dumps(told))
    with pytest.raises(UserError) as refused:
        admit(tmp_path, f"{ticket.id}@login1")
    assert f"torch 2.0.0 there, {versions()['torch']} here" in str(refused.value)
    assert f"{socket.gethostname()} runs other versions than login1" in str(refused.value)
    assert "numpy" not in str(refused.value)
