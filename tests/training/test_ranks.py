"""Processes of one student: told who they are, ended together."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lamini.training import ranks


def introduce(rank: int, folder: Path) -> None:
    (folder / str(rank)).write_text(f"{os.environ['LOCAL_RANK']} of {os.environ['WORLD_SIZE']}")


def lonely(rank: int, folder: Path) -> None:
    if rank == 1:
        os._exit(7)
    time.sleep(100)
    (folder / "survived").touch()


@pytest.mark.slow
def test_every_rank_runs_and_knows_its_place(tmp_path: Path) -> None:
    assert ranks.on_all(2, introduce, tmp_path) == 0
    assert [(tmp_path / str(rank)).read_text() for rank in (0, 1)] == ["0 of 2", "1 of 2"]


@pytest.mark.slow
def test_a_rank_that_dies_takes_the_others_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "PATIENCE", 1.0)
    began = time.monotonic()
    assert ranks.on_all(2, lonely, tmp_path) == 7
    assert time.monotonic() - began < 60 and not (tmp_path / "survived").exists()
