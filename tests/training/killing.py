"""Runs in processes of their own, killed with SIGKILL at a chosen place, as by a node that fails."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamini.children import Children, Died
from lamini.training.answers import Answers
from lamini.training.checkpointing import kept
from lamini.training.checkpointing.hashing import HashedFile
from lamini.training.loggers import Metrics
from lamini.training.module import StudentModule
from tests.training import small

# Where, and what is replaced there. `at` counts from 1 what the place is about: steps, or saves.
PLACES: dict[str, tuple[Any, str]] = {
    "before a step": (StudentModule, "training_step"),
    "between two micro-batches": (StudentModule, "manual_backward"),
    "before the update": (StudentModule, "_clipped"),
    "after the update": (StudentModule, "lr_schedulers"),
    "writing a checkpoint": (HashedFile, "write"),
    "naming a checkpoint": (kept, "write_index"),
    "replacing last.ckpt": (kept.Kept, "_place"),
    "removing the old one": (kept.Kept, "_remove_others"),
    "validating": (StudentModule, "validation_step"),
    "recording": (Metrics, "write"),
    "answering": (Answers, "on_validation_end"),
}


def killed(folder: Path, shape: str, line: tuple[str, ...], place: str, at: int) -> bool:
    """Train until it dies there; False where it came to its end first."""
    try:
        Children().call("tests.training.killing", "train", folder, shape, line, place, at)
    except Died as death:
        assert death.code == -signal.SIGKILL, death
        return True
    return False


def train(folder: Path, shape: str, line: tuple[str, ...], place: str, at: int) -> None:
    """What the process does."""
    owner, name = PLACES[place]
    original = getattr(owner, name)
    die = dying(place, at)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        die(*args)
        return original(*args, **kwargs)

    setattr(owner, name, replaced)
    small.train(folder, shape, *line)


def dying(place: str, at: int) -> Callable[..., None]:
    """A function that kills this process in the call that `place` and `at` mean."""
    calls = 0

    def by_step(module: StudentModule, *args: Any) -> None:
        nonlocal calls
        calls = calls + 1 if module.global_step == at - (place != "after the update") else 0
        if calls == (2 if place == "between two micro-batches" else 1):
            kill()

    def by_call(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            kill()

    def by_bytes(file: HashedFile, data: bytes) -> None:
        nonlocal calls
        calls += file.file.tell() == 0
        if calls == at and file.file.tell() > 10_000:
            file.flush()
            kill()

    def half_a_line(owner: Any, *args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            path = owner.path if isinstance(owner, Metrics) else owner.file
            with path.open("a") as file:
                file.write('{"step": 9, "tr')
            kill()

    if place == "writing a checkpoint":
        return by_bytes
    if place in {"recording", "answering"}:
        return half_a_line
    owner, _ = PLACES[place]
    return by_step if owner is StudentModule and place != "validating" else by_call


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def train_slowly(folder: Path, shape: str, line: tuple[str, ...], seconds: float = 60.0) -> None:
    """Train with a pause in the first step, whose beginning the file `began` beside the run tells."""
    original = StudentModule.training_step

    def training_step(self: StudentModule, *args: Any) -> Any:
        if not (folder / "began").exists():
            (folder / "began").touch()
            end = time.monotonic() + seconds
            while time.monotonic() < end and not (folder / "go").exists():
                time.sleep(0.02)
        return original(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudentModule, "training_step", training_step)
        small.train(folder, shape, *line)
