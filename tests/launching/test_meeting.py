"""Ranks that meet in a real store: here the threads of one process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.launching import meeting
from lamini.launching.meeting import Meeting
from lamini.training.world import World

Met = Callable[..., list[Any]]


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> Met:
    """met(what the first rank does, the second) -> what three ranks come to; errors as their text."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(port))
    monkeypatch.setattr(meeting, "SEEN", 0.3)
    monkeypatch.setattr(meeting, "PATIENCE", 5.0)

    def run(*doing: Callable[[Meeting], Any]) -> list[Any]:
        results: list[Any] = [None, None, None]
        held = []  # the first rank's store lives as long as the rank

        def rank(number: int) -> None:
            own = Meeting(World(number, 3, number, 3, 0, "srun"), 20.0)
            held.append(own)
            try:
                results[number] = doing[number](own) if number < len(doing) else own.follow()
            except UserError as error:
                results[number] = str(error)

        threads = [threading.Thread(target=rank, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        return results

    return run


def test_all_begin_when_the_folder_is_there(met: Met, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    assert met(lambda own: own.begin(tmp_path)) == [None, None, None]


def test_all_end_with_the_status_of_the_first(met: Met) -> None:
    assert met(lambda own: own.end(2)) == [None, 2, 2]


def test_a_folder_that_is_not_shared_ends_all_and_is_told_by_the_first(met: Met, tmp_path: Path) -> None:
    told, *others = met(lambda own: own.begin(tmp_path / "elsewhere"))
    assert others == [2, 2]
    assert told.startswith("rank 1 on ") and "does not see" in told
    assert "paths.output_dir must lie on a folder that all nodes share" in told


def test_a_rank_that_cannot_go_on_ends_all_and_the_first_tells_it(met: Met, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    told, second, third = met(lambda own: own.begin(tmp_path), lambda own: own.fail("no such data"))
    assert told.startswith("rank 1 on ") and told.endswith(": no such data")
    assert second is True and third == 2


def test_a_mistake_of_all_is_told_by_the_first(met: Met) -> None:
    assert met(lambda own: own.end(2), lambda own: own.fail("no such key")) == [None, True, 2]


def test_versions_that_differ_are_named_with_both_hosts() -> None:
    own = {"rank": 0, "host": "a", "versions": {"torch": "2.9", "numpy": "2.0"}}
    other = {
        "rank": 3,
        "host": "b",
        "versions": {"torch": "2.8", "numpy": "2.0"},
        "sees": True,
        "folder": "x",
    }
    told = meeting._problem(own, other)
    assert told is not None and "rank 3 on b runs other versions than a: torch 2.9 there, 2.8 here" in told
    assert meeting._problem(own, {**other, "versions": own["versions"]}) is None
