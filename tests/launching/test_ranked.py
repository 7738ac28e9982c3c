"""torchrun and train.py: the numbers of one process, one voice, interruptions, restarts, two nodes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.launching.watching import children, saved, until
from tests.training import small
from tests.training.test_sharding import CALM, assert_close

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
STEPS = 40
SAVED = (f"trainer.max_steps={STEPS}", "trainer.checkpoint_every=2", "validation.every=10")
Torchrun = Callable[..., "subprocess.Popen[str]"]


def words(folder: Path, shape: str, *more: str) -> tuple[str, ...]:
    """The line of a tiny student that one process trains with the same numbers."""
    paths = (f"paths.output_dir={folder}", f"paths.cache_dir={folder.parent / 'cache'}")
    return (*small.SHAPES[shape], *small.LINE, *CALM[shape], "optimizer.eps=1e-3", *paths, *more)


@pytest.fixture(scope="module")
def torchrun(environment: dict[str, str]) -> Torchrun:
    """torchrun(ranks, flags, words) on its way."""

    def started(ranks: int, flags: tuple[str, ...], line: tuple[str, ...]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={ranks}", *flags]
        return subprocess.Popen(
            [*command, "train.py", *line], cwd=ROOT, env=environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return started


ALONE = ("--standalone",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranked")


@pytest.fixture(scope="module")
def straight(torchrun: Torchrun, folder: Path) -> Path:
    """Two ranks, DDP, undisturbed."""
    process = torchrun(2, ALONE, words(folder / "straight", "gpt2", *SAVED))
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, out + err
    assert out.count("Herd") == out.count("Plan") == 1, "one rank speaks"
    return folder / "straight" / "herd" / "gpt2-nano"


def test_two_ranks_train_as_one_process_does(straight: Path, folder: Path) -> None:
    one = small.train(folder / "one", "gpt2", *CALM["gpt2"], "optimizer.eps=1e-3", *SAVED)
    assert_close(straight, one)
    assert (straight / "export" / "model.safetensors").exists()


def rank_of(process: subprocess.Popen[str], rank: int) -> int:
    """The process of a rank."""
    for child in children(process.pid):
        variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if (
            f"RANK={rank}".encode() in variables
            and b"train.py" in command
            and b"distributed.run" not in command
        ):
            return child
    raise AssertionError("no such rank")


def test_sigterm_saves_and_the_same_line_continues(torchrun: Torchrun, straight: Path, folder: Path) -> None:
    line = words(folder / "stopped", "gpt2", *SAVED)
    run = folder / "stopped" / "herd" / "gpt2-nano"
    process = torchrun(2, ALONE, line)
    until(lambda: saved(run), process)
    process.send_signal(signal.SIGTERM)  # as SLURM or a person ends torchrun, which tells its ranks
    out, err = process.communicate(timeout=300)
    assert process.returncode != 0
    assert small.record(run)["status"] == "interrupted", out + err
    assert out.count("Stopped. Continue with: the same torchrun line") == 1 and "UserError" not in err
    process = torchrun(2, ALONE, line)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert re.search(r"continues after step [1-9]", out)
    assert_same(run, straight)


def test_a_killed_rank_is_restarted_and_continues(torchrun: Torchrun, straight: Path, folder: Path) -> None:
    run = folder / "killed" / "herd" / "gpt2-nano"
    process = torchrun(2, (*ALONE, "--max-restarts=1"), words(folder / "killed", "gpt2", *SAVED))
    until(lambda: saved(run), process)
    os.kill(rank_of(process, 1), signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert out.count("Plan") == 2 and small.record(run)["status"] == "done"
    assert_same(run, straight)


def assert_same(run: Path, expected: Path) -> None:
    """To the last bit."""
    small.assert_equal(small.weights(run), small.weights(expected))
    assert small.metrics(run) == small.metrics(expected)


def test_two_nodes_shard_a_student_as_one_process_trains_it(torchrun: Torchrun, folder: Path) -> None:
    """Two agents of one rank each, which find each other at an address, as on two machines."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    flags = ("--nnodes=2", "--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=lamini")
    line = words(folder / "nodes", "t5", "trainer.strategy=fsdp", "trainer.threads=2")
    agents = [torchrun(1, flags, line) for _ in range(2)]
    answers = [agent.communicate(timeout=600) for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], answers
    assert sum(out.count("Herd") for out, _ in answers) == 1, "one rank of all speaks"
    one = small.train(folder / "one-t5", "t5", *CALM["t5"], "optimizer.eps=1e-3")
    run = folder / "nodes" / "herd" / "t5-nano"
    assert_close(run, one)
    assert (run / "config.yaml").read_text().count("devices: 2") == 1


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("trainer.devices=3",), "contradicts torchrun, which has started 2 ranks on 1 node"),
        (("data=file", "data.path=/nowhere.jsonl"), "/nowhere.jsonl"),
    ],
    ids=["known to all", "known to the first"],
)  # fmt: skip
def test_a_mistake_is_told_once_and_ends_all(
    torchrun: Torchrun, tmp_path: Path, more: tuple[str, ...], sentence: str
) -> None:
    line = [
        word for word in words(tmp_path, "t5") if not (more[0] == "data=file" and word.startswith("data."))
    ]
    process = torchrun(2, ALONE, (*line, *more))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, "torchrun's own status for ranks that failed"
    told = [row for row in (out + err).splitlines() if row.startswith("train.py: ")]
    assert len(told) == 1 and sentence in told[0], out + err
    assert re.search(r"exitcode +: 2 ", err) and not re.search(r"exitcode +: 1 ", err), err
    assert not list(tmp_path.rglob("run.json"))
