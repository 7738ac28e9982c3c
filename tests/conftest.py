"""What the tests of the command line share: one cache of trained tokenizers, and ways to run a line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lamini import entry
from tests.slurm.cluster import Cluster, missing

ROOT = Path(__file__).resolve().parents[1]
TINY = (
    "logger=none", "trainer.threads=1", "trainer.accelerator=cpu", "vocabulary=512", "batch_size=4",
    "context=64", "data.pairs=300", "data.held_out=2", "validation.held_out=2", "validation.limit=4",
    "validation.answers=1",
)  # fmt: skip


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Token caches and trained tokenizers, one folder for all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "lamini-cache"


@pytest.fixture(scope="session")
def tiny(cache: Path) -> tuple[str, ...]:
    """Overrides that make any nano student a matter of seconds."""
    return (*TINY, f"paths.cache_dir={cache}")


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """No hub, one thread, nothing of the user's own."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("LAMINI_", "WANDB_", "HF_"))
    }
    return {**own, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Start:
    """start("-m", "model=...") -> `python train.py -m model=...` on its way, a group leader."""

    def started(*words: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "train.py", *words], cwd=ROOT, env={**environment, **more}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    return started


Answer = tuple[int, str, str]


@pytest.fixture(scope="session")
def train(start: Start) -> Callable[..., Answer]:
    """train("model=...") -> exit status, stdout and stderr of the whole line."""

    def trained(*words: str, **more: str) -> Answer:
        process = start(*words, **more)
        out, err = process.communicate(timeout=280)
        return process.returncode, out, err

    return trained


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """ask("model=...") -> the same in this process, for lines that end before anything heavy is imported."""

    def asked(*words: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["train.py", *words])
        with pytest.raises(SystemExit) as stop:
            entry.command(lambda: pytest.fail("Hydra was reached"), "train")
        said = capsys.readouterr()
        return int(str(stop.value.code)), said.out, said.err

    return asked


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """A SLURM of two nodes; lines reach it with its `environment`. For tests marked slurm."""
    if why := missing():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="lamini-slurm-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
