"""The study of the engine: a small run of its own command, its stub's counts against ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = ROOT / "experiments" / "teacher-engine"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A copy, so that the recorded results stay as they are."""
    folder = tmp_path / "experiments" / "teacher-engine"
    shutil.copytree(STUDY, folder, ignore=shutil.ignore_patterns("results.json", "__pycache__"))
    return folder


def benchmark(study: Path, *words: str) -> str:
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(study / "benchmark.py"), *words],
        capture_output=True, text=True, timeout=120, env=variables,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_faults_lose_nothing_and_are_all_counted(study: Path) -> None:
    said = benchmark(study, "faults", "--requests", "400")
    assert "nothing lost: yes; nothing answered twice: yes; every fault counted: yes." in said
    numbers = json.loads((study / "results.json").read_text())["faults"]
    assert numbers["answers"] == numbers["answered"] == 400
    assert numbers["met"] == numbers["counted"] and all(n > 0 for n in numbers["met"].values())
    text = (study / "README.md").read_text()
    assert text.count("<!-- results -->") == text.count("<!-- /results -->") == 1
    assert f"| stall | {numbers['met']['stall']} | {numbers['counted']['stall']} |" in text


@pytest.mark.slow
def test_speed_and_memory_are_recorded_beside_each_other(study: Path) -> None:
    benchmark(study, "speed", "--requests", "128")
    benchmark(study, "memory", "--requests", "100")
    results = json.loads((study / "results.json").read_text())
    assert results["speed"]["latencies"]["0.25"]["ideal"] == 256
    text = (study / "README.md").read_text()
    assert "128 requests, 100 ms, 64 slots: ideal 640 requests/s" in text
    (line,) = [line for line in text.splitlines() if line.startswith("| peak memory")]
    assert "10 requests | 100 requests" in line


def test_the_stub_has_so_many_slots_and_that_latency(study: Path) -> None:
    """40 at once with 10 slots of 50 ms: four rounds, 0.2 s; canned bytes on bare sockets come close."""
    script = f"""
import asyncio, sys
sys.path.insert(0, {str(study)!r})
from benchmark import stub
from contenders import wire
from urllib.request import urlopen
import json
with stub(latency=0.05, slots=10) as url:
    print(asyncio.run(wire(url + "/v1", 40, 40, 10.0)))
    print(urlopen(url + "/counts").read().decode())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[1])
    assert counts["answered"] == 40 and counts["answered_again"] == 0 and counts["faults"] == {}
    assert 0.2 <= counts["seconds"] < 2.0


def test_the_stub_refuses_what_it_does_not_know(study: Path) -> None:
    server = subprocess.Popen([sys.executable, str(study / "stub.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with pytest.raises(HTTPError, match="404"):
            urlopen(Request(f"http://127.0.0.1:{port}/v1/models"), timeout=10)
    finally:
        server.kill()
        server.communicate()
