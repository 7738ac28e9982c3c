"""hydra/launcher=ray on real clusters: the same students, lost workers, a lost driver, refusals."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lamini.runs import RunFolder
from tests.launching.clusters import QUIET, cluster
from tests.launching.watching import PATIENCE, children, holder, record, saved, statuses, until, weights

pytestmark = pytest.mark.ray
pytest.importorskip("ray")

Words = tuple[str, ...]
Train = Callable[..., tuple[int, str, str]]
HERD = ("t5-nano,seed=1", "t5-nano,seed=2", "gpt2-nano,seed=1", "gpt2-nano,seed=2")
LINE = (
    "-m", "model=t5-nano,gpt2-nano", "seed=1,2", "hydra/launcher=ray", "trainer.checkpoint_every=2",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def silent() -> Iterator[None]:
    """No token in anybody's home, and no report to anybody."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        yield


def words(outputs: Path, steps: int) -> Words:
    return (f"paths.output_dir={outputs}", f"trainer.max_steps={steps}", f"validation.every={steps}")


def test_a_herd_with_a_killed_worker_becomes_what_it_becomes_on_one_machine(
    start: Callable[..., Any], train: Train, tiny: Words, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    process = start(*LINE, *tiny, *words(there, 12))
    until(lambda: saved(there / "herd" / HERD[0]), process)
    os.kill(holder(there / "herd" / HERD[0]), signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert statuses(out) == dict.fromkeys(HERD, "done")
    assert re.search(r"t5-nano,seed=1: continues after step [1-9]\d* of 12", out)
    assert not children(process.pid), "the cluster has ended with its line"
    assert not list((there / "herd").glob(".line-*"))
    local = [word for word in LINE if not word.startswith("hydra/launcher")]
    status, out, err = train(*local, *tiny, *words(here, 12), "hydra.launcher.jobs=2")
    assert status == 0, out + err
    for name in HERD:
        assert weights(there / "herd" / name) == weights(here / "herd" / name)


def test_a_killed_driver_a_student_that_fails_and_ctrl_c_on_a_cluster_that_runs(
    start: Callable[..., Any], tiny: Words, tmp_path: Path
) -> None:
    steps = (3, 5000, 5001)
    short, long, damaged = folders = [tmp_path / "herd" / f"t5-nano,trainer.max_steps={n}" for n in steps]
    with cluster() as address:
        line = (
            "-m", "model=t5-nano", *LINE[3:], *tiny, f"paths.output_dir={tmp_path}", "validation.every=5000",
            f"trainer.max_steps={','.join(map(str, steps))}", f"hydra.launcher.ray.init.address={address}",
        )  # fmt: skip
        process = start(*line)
        until(lambda: record(short).get("status") == "done" and saved(long) and saved(damaged), process)
        process.kill()
        process.communicate()
        before = (short / "run.json").read_bytes()
        for folder in folders:  # Ray ends the workers of a driver that is gone
            until(lambda folder=folder: not RunFolder(folder).running())
        for file in (damaged / "checkpoints").glob("*.ckpt"):
            file.write_bytes(b"damaged")
        steps_before = record(long)["steps"]

        process = start(*line)
        until(lambda: record(damaged)["status"] == "failed" and record(long)["steps"] > steps_before, process)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert [record(folder)["status"] for folder in folders] == ["done", "interrupted", "failed"]
    assert f"{short.name}: done already, skipped" in out
    assert (short / "run.json").read_bytes() == before
    assert "holds no checkpoint to continue from" in record(damaged)["error"]
    assert re.search(r"max_steps=5000: continues after step [1-9]", out)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("127.0.0.1:9", "127.0.0.1:9: nobody answers there (.*); start a cluster with `ray start --head`"),
        ("nowhere", "nowhere must be auto, local or <host>:<port>"),
    ],
)
def test_no_cluster_at_the_address_is_told_in_seconds(
    ask: Callable[..., Any], address: str, sentence: str
) -> None:
    status, _, err = ask(
        "-m", "model=t5-nano,gpt2-nano", "hydra/launcher=ray", f"hydra.launcher.ray.init.address={address}"
    )
    assert status == 2
    assert re.match(f"train.py: hydra.launcher.ray.init.address={sentence}", err)


def test_what_a_cluster_cannot_do_and_workers_of_other_versions_are_refused(
    train: Train, tiny: Words, tmp_path: Path
) -> None:
    """Python finds a package's record in the first folder of its path that has one."""
    doctored = tmp_path / "site" / "torch-0.0.7.dist-info"
    doctored.mkdir(parents=True)
    (doctored / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.0.7\n")
    with cluster(PYTHONPATH=str(tmp_path / "site")) as address:
        for word, sentence in (
            (
                "num_gpus=99",
                r"hydra\.launcher\.ray\.remote\.num_gpus=99: no node of the cluster has so many; GPUs",
            ),
            ("max_retries=-7", r"hydra\.launcher\.ray\.remote: The keyword 'max_retries' only accepts"),
            (
                "num_cpus=1",
                r"\S+ runs other versions than \S+: torch \S+ there, 0\.0\.7 here; install the same",
            ),
        ):
            status, out, err = train(
                "-m", "model=t5-nano,gpt2-nano", "hydra/launcher=ray", *tiny, f"paths.output_dir={tmp_path}",
                f"hydra.launcher.ray.init.address={address}", f"hydra.launcher.ray.remote.{word}",
            )  # fmt: skip
            assert status == 2, out + err
            assert re.match(f"train.py: {sentence}", err)
            assert not list(tmp_path.rglob("run.json"))
