"""A herd really trained with W&B offline: one done, one interrupted and continued, one that failed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comparison.tracking.stub import Server, serving
from tests.training import small

Sync = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parents[3]
TASKS = {"wsc273": 0.571, "winogrande": 0.5}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The herd's folder; copies of it are what tests may change."""
    herd = tmp_path_factory.mktemp("outputs") / "zoo"
    line = ("logger=offline", "name=zoo", "logger.tags=[mine]")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_SWEEP_ID"):
            patch.delenv(name, raising=False)
        _train(herd, "t5-nano", "t5", *line, "data.held_out=2")
        with pytest.MonkeyPatch.context() as stopping:
            small.stop_after(4, stopping)
            _train(herd, "gpt2-nano,seed=7", "gpt2", *line, "seed=7")
        _train(herd, "gpt2-nano,seed=7", "gpt2", *line, "seed=7")
        patch.setattr("lamini.training.module.StudentModule.training_step", _broken)
        _train(herd, "llama-nano", "llama", *line)
    return herd


def _train(herd: Path, name: str, shape: str, *line: str) -> None:
    from lamini.training import fit

    fit.run(small.config(herd.parent, shape, *line), herd / name)


def _broken(*told: object) -> None:
    raise ArithmeticError("a loss that is no number")


def copy_of(trained: Path, folder: Path) -> Path:
    """The herd in `folder`, to be changed."""
    subprocess.run(["cp", "-r", str(trained), str(folder / "zoo")], check=True)
    return folder / "zoo"


@pytest.fixture
def herd(trained: Path, tmp_path: Path) -> Path:
    """A copy, in which t5-nano was scored on two tasks and gpt2-nano on one of them."""
    copied = copy_of(trained, tmp_path)
    score(copied / "t5-nano", TASKS)
    score(copied / "gpt2-nano,seed=7", {"wsc273": 0.6})
    return copied


def score(folder: Path, tasks: dict[str, float]) -> None:
    """evaluation/nlp15.json as evaluate.py writes it."""
    mean = {"value": sum(tasks.values()) / len(tasks), "stderr": 0.01, "tasks": len(tasks)}
    tree: dict[str, Any] = {
        "format": 1, "suite": "nlp15", "student": {"name": folder.name}, "versions": {}, "limit": None,
        "wrapper": "alpaca" if "gpt2" in folder.name else "bare",
        "tasks": {
            name: {"acc": {"value": value, "stderr": 0.03, "n": 273, "chance": 0.5}, "headline": "acc",
                   "share": True, "version": "1", "key": f"{name} 1"}
            for name, value in tasks.items()
        },
        "groups": {}, "mean": mean, "weighted_mean": mean, "failed": {}, "others": {},
    }  # fmt: skip
    (folder / "evaluation").mkdir(exist_ok=True)
    (folder / "evaluation" / "nlp15.json").write_text(json.dumps(tree))


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has no key and no settings of the user's."""
    home = tmp_path_factory.mktemp("home")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "LAMINI_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    here = {
        "HOME": str(home),
        "NETRC": str(home / "none"),
        "PYTHONPATH": str(ROOT),
        "PATH": path,
        "WANDB_DIR": str(home),
    }
    return {**own, **here, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def shell(line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A printed line, as a user pastes it."""
    return subprocess.run(
        ["bash", "-c", line], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200
    )


@pytest.fixture
def sync(server: Server, clean: dict[str, str]) -> Sync:
    """sync(line) runs a printed line against the stub."""
    return lambda line, **more: shell(line, {**clean, **server.environment, **more})
