"""Two hosts and one folder: its locks hold between them, a Ray cluster spans them, a folder apart is told."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.launching.clusters import node
from tests.launching.hosts import Host, hosts, obstacle, tell
from tests.launching.watching import FOREVER, PATIENCE, record, saved, statuses, until

Words = tuple[str, ...]
PORT = 6399


@pytest.fixture(scope="module", autouse=True)
def possible() -> None:
    if why := obstacle():
        pytest.skip(why)


def line(host: Host, *words: str, **environment: str) -> tuple[int, str, str]:
    process = host.start(sys.executable, "train.py", *words, **environment)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@pytest.mark.slow
def test_one_waits_for_the_other_and_continues_what_it_left(
    tiny: Words, environment: dict[str, str], tmp_path: Path
) -> None:
    place, herd = tmp_path / "place", tmp_path / "shared" / "herd"
    words = ("-m", "model=t5-nano,gpt2-nano", *tiny, f"paths.output_dir={place}", *FOREVER)
    with hosts(tmp_path / "shared", place) as (first, second):
        process = first.start(sys.executable, "train.py", *words, **environment)
        until(lambda: saved(herd / "t5-nano"), process)
        status, _, err = line(second, *words, **environment)
        assert status == 2
        assert f"{place}/herd/t5-nano is being written by another process" in err
        tell(process, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130, out + err
        steps = record(herd / "t5-nano")["steps"]

        process = second.start(sys.executable, "train.py", *words, **environment)
        until(lambda: record(herd / "t5-nano")["steps"] > steps, process)
        tell(process, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert f"t5-nano: continues after step {steps} of" in out
    assert not list(place.iterdir()), "only the hosts see the folder there"


@contextmanager
def spanning(first: Host, second: Host) -> Iterator[str]:
    """A Ray cluster with a worker on each; it ends with its hosts."""
    head = node(
        "--head", f"--port={PORT}", f"--node-ip-address={first.address}", "--num-cpus=1",
        "--include-dashboard=false", on=tuple(first.command()),
    )  # fmt: skip
    address = f"{first.address}:{PORT}"
    other = node(
        f"--address={address}",
        f"--node-ip-address={second.address}",
        "--num-cpus=1",
        on=tuple(second.command()),
    )
    yield address
    for process in (other, head):
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.ray
@pytest.mark.parametrize("alone", [False, True], ids=["shared", "not shared"])
def test_a_cluster_of_two_hosts_trains_a_herd_on_a_folder_that_both_see(
    tiny: Words, environment: dict[str, str], tmp_path: Path, alone: bool
) -> None:
    pytest.importorskip("ray")
    place = tmp_path / "place"
    with (
        hosts(tmp_path / "shared", place, alone=alone) as (first, second),
        spanning(first, second) as address,
    ):
        status, out, err = line(
            first, "-m", "model=t5-nano,gpt2-nano", "hydra/launcher=ray", *tiny, "trainer.max_steps=3",
            f"paths.output_dir={place}", f"hydra.launcher.ray.init.address={address}",
            RAY_AUTH_MODE="disabled", **environment,
        )  # fmt: skip
    if alone:
        assert status == 2, out + err
        assert re.search(
            rf"^train.py: {place}/herd on host-b is not the folder that host-a writes", err, re.M
        )
        assert not list(tmp_path.rglob("run.json"))
        return
    assert status == 0, out + err
    assert statuses(out) == {"t5-nano": "done", "gpt2-nano": "done"}
    assert all(record(tmp_path / "shared" / "herd" / name)["status"] == "done" for name in statuses(out))
    assert re.search(rf"nano pid=\d+, ip={second.address}\)", out), "one of them trained on the other host"
