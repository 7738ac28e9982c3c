"""lamini.workers with real processes of this machine: every task is done once, whoever dies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lamini.errors import UserError
from lamini.workers.board import Board, Posted, Result, Task
from lamini.workers.leftovers import take_over
from lamini.workers.local import LocalCrew
from lamini.workers.pool import Pool

JOBS = "tests.workers.jobs"


def task(function: str, *arguments: Any, group: int = 0) -> Task:
    return Task(JOBS, function, arguments, group)


@contextmanager
def pool(place: Path, workers: int = 2) -> Iterator[Pool]:
    with Pool(LocalCrew(workers, [], []), place, workers, patience=3.0) as opened:
        yield opened


def done(opened: Pool, *tasks: Task) -> list[Result]:
    found = dict(opened.run(tasks))
    assert sorted(found) == list(range(len(tasks)))
    return [found[number] for number in range(len(tasks))]


def test_every_task_is_done_once_and_in_its_place(tmp_path: Path) -> None:
    with pool(tmp_path) as opened:
        first = done(opened, *(task("double", number) for number in range(20)))
        second = done(opened, task("double", 50))
    assert [result.value[0] for result in first] == [2 * number for number in range(20)]
    assert {result.value[1] for result in first} <= {0, 1}
    assert second[0].value[0] == 100


def test_what_a_task_raises_is_told_and_the_worker_goes_on(tmp_path: Path) -> None:
    with pool(tmp_path, 1) as opened:
        wrong, broken, right = done(opened, task("wrong"), task("broken"), task("double", 1))
    assert wrong == Result(error="that=3 must be 4", wrong=True)
    assert broken == Result(error="ValueError: no")
    assert right.value == (2, 0)
    assert "Traceback" in (opened.folder / "members" / "0.log").read_text()


def test_a_task_of_a_killed_worker_is_done_by_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pool(tmp_path) as opened:
        died, kept, right = done(opened, task("die", 2), task("keep", tmp_path), task("double", 1))
    assert died.value == 3
    assert kept.value == ["attempt 1", "attempt 2"]
    assert right.value[0] == 2
    assert "was killed by signal 9\n  about to die" in capfd.readouterr().out


def test_a_task_that_kills_every_worker_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    with pool(tmp_path) as opened:
        fatal, *others = done(opened, task("die", 99), *(task("double", number) for number in range(5)))
    assert fatal == Result(error="3 workers died over it, the last was killed by signal 9")
    assert [result.value[0] for result in others] == [0, 2, 4, 6, 8]


def test_a_worker_keeps_to_its_group(tmp_path: Path) -> None:
    with pool(tmp_path) as opened:
        results = done(opened, *(task("group", name, group=name) for name in (0, 1) for _ in range(10)))
    changes = 0
    for member in (0, 1):
        names = [name for name, who in (result.value for result in results) if who == member]
        changes += sum(a != b for a, b in zip(names, names[1:], strict=False))
    assert changes <= 1  # who is through first helps the other


def test_the_end_of_the_block_ends_workers_that_are_busy(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), pool(tmp_path) as opened:
        for _ in opened.run([task("slow", 1), task("slow", 2)], lambda: _interrupt(opened)):
            pass
    assert opened.crew.members() == set()


def _interrupt(opened: Pool) -> None:
    if len(list(opened.board.files.glob("*.begun"))) == 2:
        raise KeyboardInterrupt


def test_other_versions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lamini.launching import ticket

    ours = ticket.versions()
    monkeypatch.setattr(ticket, "versions", lambda: {**ours, "torch": "1.0"})
    with pool(tmp_path) as opened, pytest.raises(UserError, match=r"torch 1\.0 there"):
        done(opened, task("double", 1))


def test_what_a_killed_line_left_is_taken_over_once_nobody_works_there(tmp_path: Path) -> None:
    with pool(tmp_path) as opened:
        done(opened, task("keep", tmp_path))
        taken: list[Path] = []
        take_over(tmp_path, 0, taken.append)
        assert not taken  # its line lives
    take_over(tmp_path, 0, lambda folder: taken.append(folder / "files"))
    assert [folder.parent for folder in taken] == [opened.folder]
    assert not opened.folder.exists()


def test_claims_are_made_once(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.make()
    for number in range(50):
        board.post(Posted(number, 1, 0), task("double", number))
    got: list[Posted] = []
    lock = threading.Lock()

    def work(member: int) -> None:
        while (posted := board.claim(member, None)) is not None:
            with lock:
                got.append(posted)

    threads = [threading.Thread(target=work, args=(member,)) for member in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(posted.task for posted in got) == list(range(50))


def test_a_worker_whose_job_is_queued_again_knows_what_it_had_begun(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.make()
    for number in range(3):
        board.post(Posted(number, 1, 0), task("double", number))
    first, second = board.claim(7, None), board.claim(7, None)
    assert first is not None and second is not None
    board.finish(first, Result(1))
    assert board.begun(7) == [second] and board.begun(8) == []
