"""Names and index of checkpoints: what stays, and that a crash between any two operations loses nothing."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.training.checkpointing import kept
from lamini.training.checkpointing.kept import BEST, INDEX, LAST, TEMPORARY, Kept, Saved, names, read_index
from lamini.training.checkpointing.resuming import restore


def saved(step: int, loss: float | None = None) -> Saved:
    return Saved(step, loss, f"digest of {step}")


def write(folder: Path, step: int, loss: float | None) -> Saved:
    """A whole checkpoint at TEMPORARY."""
    path = folder / TEMPORARY
    torch.save({"global_step": step, "state_dict": {"w": torch.full((4,), float(step))}}, path)
    return Saved(step, loss, hashlib.sha256(path.read_bytes()).hexdigest())


def step_in(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["global_step"])


def files(folder: Path) -> dict[str, int]:
    return {path.name: step_in(path) for path in folder.glob("[!.]*.ckpt")}


STEPS = [saved(2, 1.0), saved(4, 3.0), saved(6), saved(8, 2.0)]


@pytest.mark.parametrize(
    ("last", "best", "expected"),
    [
        (1, 1, {LAST: 8, BEST: 2}),
        (2, 2, {LAST: 8, BEST: 2, "step-6.ckpt": 6}),
        (1, 3, {LAST: 8, BEST: 2, "step-4.ckpt": 4}),
        (9, 9, {LAST: 8, BEST: 2, "step-4.ckpt": 4, "step-6.ckpt": 6}),
    ],
)
def test_the_newest_and_the_best_stay(last: int, best: int, expected: dict[str, int]) -> None:
    assert {name: each.step for name, each in names(STEPS, last, best).items()} == expected


def test_of_equal_losses_the_first_is_the_best() -> None:
    assert names([saved(2, 1.0), saved(4, 1.0)], 1, 1)[BEST].step == 2
    assert names([saved(2), saved(4)], 1, 1).keys() == {LAST}


def test_the_best_that_is_the_newest_costs_no_second_copy(tmp_path: Path) -> None:
    folder = Kept(tmp_path, 1, 1)
    for step, loss in ((1, 3.0), (2, 2.0)):
        folder.add(write(tmp_path, step, loss))
        assert (tmp_path / LAST).samefile(tmp_path / BEST)
        assert files(tmp_path) == {LAST: step, BEST: step}
    folder.add(write(tmp_path, 3, None))
    assert files(tmp_path) == {LAST: 3, BEST: 2}
    assert {path.name for path in tmp_path.iterdir()} == {LAST, BEST, INDEX}


def test_without_hard_links_they_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise OSError("not here")

    monkeypatch.setattr(os, "link", refused)
    folder = Kept(tmp_path, 2, 2)
    for step, loss in ((1, 3.0), (2, 4.0), (3, None)):
        folder.add(write(tmp_path, step, loss))
    assert files(tmp_path) == {LAST: 3, BEST: 1, "step-2.ckpt": 2}


def test_the_index_tells_what_stands_there_and_survives_a_restart(tmp_path: Path) -> None:
    folder = Kept(tmp_path, 2, 1)
    for step, loss in ((1, 3.0), (2, 4.0), (3, None)):
        folder.add(write(tmp_path, step, loss))
    assert {name: each.step for name, each in Kept(tmp_path, 2, 1).held.items()} == files(tmp_path)
    assert Kept(tmp_path, 2, 1).best == 3.0
    assert json.loads((tmp_path / INDEX).read_text())["checkpoints"][-1].keys() == {
        "file", "step", "validation_loss", "sha256",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", '{"checkpoints": 3}', '{"checkpoints": [{"file": "a"}]}'])
def test_a_damaged_index_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text)
    assert read_index(tmp_path) is None


def test_files_of_others_stay(tmp_path: Path) -> None:
    for name in ("mine.ckpt", "step-x.ckpt", "notes.txt", "step-7.ckpt", ".step-7.ckpt", "last.ckpt.bad"):
        (tmp_path / name).write_text("")
    Kept(tmp_path, 1, 1).add(write(tmp_path, 8, None))
    assert {path.name for path in tmp_path.iterdir()} == {
        LAST,
        INDEX,
        "mine.ckpt",
        "step-x.ckpt",
        "notes.txt",
    }


class Crash(BaseException):
    """Nothing behind it happens."""


Losses = st.lists(st.none() | st.integers(1, 4).map(float), min_size=1, max_size=7)


@settings(max_examples=100, deadline=None)
@given(losses=Losses, last=st.integers(1, 3), best=st.integers(1, 3), crash=st.integers(0, 12))
def test_a_crash_anywhere_in_the_last_save_loses_nothing(
    losses: list[float | None], last: int, best: int, crash: int
) -> None:
    """Before the save or after it, nothing between: then the run goes on as if it had not been."""
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # of no consequence here, and slow
        place = Path(name)
        folder = Kept(place, last, best)
        for step, loss in enumerate(losses[:-1], 1):
            folder.add(write(place, step, loss))
        left = crash

        def counted(original: object) -> object:
            def call(*args: object, **kwargs: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Crash
                return original(*args, **kwargs)  # type: ignore[operator]

            return call

        fresh = write(place, len(losses), losses[-1])
        with patch.context() as broken:
            for owner, function in ((os, "link"), (Path, "replace"), (Path, "unlink"), (kept, "sync")):
                broken.setattr(owner, function, counted(getattr(owner, function)))
            with suppress(Crash):
                folder.add(fresh)
        assert restore(place) == []
        if len(losses) == 1 and not files(place):
            return
        there = files(place)
        assert there[LAST] in {len(losses) - 1, len(losses)}
        for step in range(there[LAST] + 1, len(losses) + 2):  # the resumed run saves the lost step again
            loss = losses[step - 1] if step <= len(losses) else None
            resumed = Kept(place, last, best)
            resumed.add(write(place, step, loss))
        everything = [Saved(step, loss, "") for step, loss in enumerate([*losses, None], 1)]
        expected = {file: each.step for file, each in names(everything, last, best).items()}
        assert files(place) == expected
        assert {path.name for path in place.iterdir()} == {*expected, INDEX}
