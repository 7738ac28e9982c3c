"""A Ray cluster that runs before the line does. No tests of its own.

Ended by the processes' own parents: `ray stop` would end every Ray on the machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RAY = Path(sys.executable).parent / "ray"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


def node(*words: str, on: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
    """`ray start --block` with these words, once it runs; `on` are words in front that name a host."""
    process = subprocess.Popen(
        [*on, str(RAY), "start", *words, "--block", "--object-store-memory=80000000"],
        env={**os.environ, **QUIET, **environment}, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if "Ray runtime started" in line:
            return process
    raise AssertionError(f"ray start ended: {said}")


@contextmanager
def cluster(**environment: str) -> Iterator[str]:
    """A cluster of two workers on this machine, and its address; the environment is its workers'."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a short name: sockets lie in it
    words = (
        "--head",
        f"--port={port}",
        "--node-ip-address=127.0.0.1",
        "--include-dashboard=false",
        f"--temp-dir={place}",
    )
    head = node(*words, "--num-cpus=2", **environment)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        head.terminate()
        head.communicate(timeout=60)
        shutil.rmtree(place, ignore_errors=True)
