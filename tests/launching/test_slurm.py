"""Herds through a real SLURM: the same students as here, whatever is killed, queued again or cancelled."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from lamini.compose import CONF
from tests.launching.watching import PATIENCE, record, saved, statuses, until, weights
from tests.slurm.cluster import Cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(400)]

Words = tuple[str, ...]
Line = Callable[..., Any]
SLURM = ("-m", "hydra/launcher=slurm", "hydra.launcher.timeout_min=30")
STEPS = ("trainer.max_steps=60", "trainer.checkpoint_every=2", "validation.every=60")


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A --config-dir with a family that cannot learn: its first weights are far too large."""
    folder = tmp_path_factory.mktemp("conf")
    facts = yaml.safe_load((CONF / "family" / "gpt2.yaml").read_text())
    (folder / "family").mkdir()
    facts["sizes"]["nano"]["architecture"]["initializer_range"] = 1e25
    (folder / "family" / "wild.yaml").write_text(yaml.safe_dump({**facts, "name": "wild"}))
    return folder


@pytest.fixture(scope="module")
def sent(start: Line, tiny: Words, slurm: Cluster) -> Line:
    """sent(folder, "model=...") -> a line on its way to the cluster, which writes `folder`/herd."""

    def line(folder: Path, *words: str) -> Any:
        return start(*SLURM, *tiny, f"paths.output_dir={folder}", *words, **slurm.environment)

    return line


def task(name: str, folder: Path) -> str:
    """The id of the job that trains the run `name`, from where its log is."""
    (log,) = (
        log
        for log in folder.glob("herd/.submitit/*/*.out")
        if f"] {name}: " in log.read_text(encoding="utf-8")
    )
    return log.parent.name


Herd = tuple[int, str, str, Path]


@pytest.fixture(scope="module")
def herd(sent: Line, slurm: Cluster, wild: Path, tmp_path_factory: pytest.TempPathFactory) -> Herd:
    """Exit status, stdout, stderr and folder of a line whose first student was killed and queued again."""
    folder = tmp_path_factory.mktemp("herd")
    process = sent(folder, "model=t5-nano,gpt2-nano,llama-nano,wild-nano", "--config-dir", str(wild), *STEPS)
    until(lambda: saved(folder / "herd" / "t5-nano"), process)
    slurm.ask("scontrol", "requeue", task("t5-nano", folder))
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err, folder


def test_a_herd_of_four_ends_in_its_table(herd: Herd) -> None:
    """One task was killed and queued again, one cannot learn."""
    status, out, err, folder = herd
    assert status == 1, out + err
    assert statuses(out) == {
        "t5-nano": "done", "gpt2-nano": "done", "llama-nano": "done", "wild-nano": "failed",
    }  # fmt: skip
    assert "became nan" in out
    assert "t5-nano: running on n" in out
    assert "Traceback" not in err
    told = next(folder.glob(f"herd/.submitit/{task('t5-nano', folder)}/*.out")).read_text()
    assert re.search(r"t5-nano: continues after step [1-9]", told)
    assert not [*folder.glob("herd/.line-*.json")]


def test_students_are_what_the_local_launcher_makes_of_them(
    herd: Herd, train: Line, tiny: Words, tmp_path: Path
) -> None:
    """To the last bit, also the one that was killed."""
    words = ("model=t5-nano,gpt2-nano", *tiny, *STEPS, f"paths.output_dir={tmp_path}")
    status, out, err = train("-m", *words)
    assert status == 0, out + err
    for name in ("t5-nano", "gpt2-nano"):
        assert weights(herd[-1] / "herd" / name) == weights(tmp_path / "herd" / name)


def test_the_time_limit_and_a_pre_emption_save_first_and_queue_again(
    sent: Line, slurm: Cluster, tmp_path: Path
) -> None:
    folder = tmp_path / "herd" / "gpt2-nano"
    process = sent(tmp_path, "model=gpt2-nano", "trainer.max_steps=120", "validation.every=120",
                   "trainer.checkpoint_every=120", "hydra.launcher.cpus_per_task=2")  # fmt: skip
    until(lambda: record(folder).get("status") == "running" and (folder / "metrics.jsonl").exists(), process)
    (log,) = tmp_path.glob("herd/.submitit/*/*.out")
    slurm.ask("scancel", "--signal=USR2", log.parent.name)  # as SLURM does before the time limit
    until(lambda: record(folder).get("status") == "interrupted", process)
    until(lambda: "gpt2-nano: continues after step" in log.read_text(), process)
    slurm.ask("sbatch", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=true")
    until(lambda: log.read_text().count("gpt2-nano: continues after step") == 2, process)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert statuses(out) == {"gpt2-nano": "done"}
    assert record(folder)["steps"] == 120
    assert log.read_text().count("Starting with JobEnvironment") == 3


def test_a_line_that_is_killed_repeats_nothing(sent: Line, slurm: Cluster, tmp_path: Path) -> None:
    """kill -9 of the driver, Ctrl-C to its successor, and a third that follows to the end."""
    words = ("model=gpt2-nano,t5-nano", *STEPS, "hydra.launcher.array_parallelism=1")
    herd = tmp_path / "herd"
    process = sent(tmp_path, *words)
    until(lambda: saved(herd / "gpt2-nano"), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    second = task("gpt2-nano", tmp_path).replace("_0", "_1")
    slurm.ask("scontrol", "hold", second)

    process = sent(tmp_path, *words)
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("t5-nano: pending"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, "".join(said) + out + err
    assert f"t5-nano: queued by an earlier start of the line ({second}), followed\n" in said
    assert re.search(rf"to save and end that: scancel .*{second}", out)
    assert "Continue with: python train.py " in out
    assert "Traceback" not in err

    slurm.ask("scancel", second)
    process = sent(tmp_path, *words, "hydra.launcher.name=again")
    out, err = process.communicate(timeout=PATIENCE)
    assert statuses(out) == {"gpt2-nano": "done", "t5-nano": "done"}, out + err
    assert process.returncode == 0
    logs = [*herd.glob(".submitit/*/*.out")]
    assert len(logs) == 2  # the first task of the first array, and the one that was cancelled, sent again
    assert not [each for each in logs if "continues" in each.read_text()]


def held(slurm: Cluster) -> str:
    """The id of the task that waits for `scontrol release`."""
    (id,) = slurm.ask("squeue", "--noheader", "--array", "--states=PENDING", "--format=%i").split()
    return id


def test_other_versions_on_a_node_are_refused_and_named(sent: Line, slurm: Cluster, tmp_path: Path) -> None:
    process = sent(tmp_path, "model=gpt2-nano", *STEPS, "+hydra.launcher.additional_parameters.hold=true")
    herd = tmp_path / "herd"
    until(lambda: "JobHeldUser" in slurm.ask("squeue", "--noheader", "--format=%r"), process)
    (ticket,) = herd.glob(".line-*.json")
    told = json.loads(ticket.read_text())
    told["versions"]["torch"] = "2.0.0"
    ticket.write_text(json.dumps(told))
    slurm.ask("scontrol", "release", held(slurm))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, out + err
    host = socket.gethostname()
    assert (
        f"gpt2-nano: {host} runs other versions than {host}: torch 2.0.0 there, {version('torch')} here"
        in err
    )
    assert statuses(out) == {"gpt2-nano": "not run"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a node another view of a folder")
def test_a_folder_that_a_node_does_not_share_is_told(sent: Line, slurm: Cluster, tmp_path: Path) -> None:
    """n2 sees another, empty folder in its place."""
    hide = f"mount -t tmpfs none {shlex.quote(str(tmp_path))} && exec slurmd -D -N n2"
    slurm.stop_node("n2")
    slurm.start_node("n2", "unshare", "--mount", "sh", "-c", hide)
    try:
        process = sent(
            tmp_path, "model=gpt2-nano", *STEPS, "+hydra.launcher.additional_parameters.nodelist=n2"
        )
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        slurm.stop_node("n2")
        slurm.start_node("n2")
    assert process.returncode == 1, out + err
    assert f"its log is not in {tmp_path}/herd: that folder is not shared by" in err
    assert "and n2; set paths.output_dir" in err


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("partition=gpu", "partition=gpu is no partition of this cluster; there are: main urgent"),
        ("gpus_per_node=8", "asks for 8 GPU(s) a node; the richest of partition main has none"),
        ("gres='gpu:a100:2'", "gres=gpu:a100:2 asks for 2 GPU(s) a node"),
        ("timeout_min=90", "timeout_min=90 is more than partition main allows; set it to 60 minutes or less"),
        ("mem_gb=900000", "sbatch: allocation failure: "),
        ("constraint=a100", "sbatch: allocation failure: Invalid feature specification"),
    ],
)  # fmt: skip
def test_what_the_cluster_would_refuse_is_told_at_once(
    ask: Line, tiny: Words, slurm: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, override: str,
    said: str,
) -> None:  # fmt: skip
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    words = (*SLURM, *tiny, "model=t5-nano", f"paths.output_dir={tmp_path}", f"hydra.launcher.{override}")
    status, out, err = ask(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not slurm.ask("squeue", "--noheader")


def test_no_controller_is_told(
    ask: Line, tiny: Words, slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port where nobody listens."""
    settings = (slurm.folder / "slurm.conf").read_text()
    closed = re.sub(r"SlurmctldPort=\d+", "SlurmctldPort=1\nMessageTimeout=1", settings)
    (tmp_path / "slurm.conf").write_text(closed)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    monkeypatch.setenv("PATH", slurm.environment["PATH"])
    status, _, err = ask(*SLURM, *tiny, "model=t5-nano", f"paths.output_dir={tmp_path}")
    assert status == 2
    assert "hydra/launcher=slurm: sinfo: " in err
    assert "Unable to contact slurm controller" in err
    assert "use hydra/launcher=local" in err
    assert len(err.splitlines()) == 1
