"""Memory as the system tells it: machine, control groups of both versions, this process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lamini.training import memory

CPU = torch.device("cpu")
MIB = 2**20


def system(root: Path, **files: str) -> Path:
    """A root folder with these files, __ for /."""
    for name, text in {"proc__meminfo": "MemTotal: 9000 kB\nMemAvailable: 4096 kB\n", **files}.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_a_group_the_machine_decides(tmp_path: Path) -> None:
    assert memory.available(CPU, system(tmp_path)) == 4 * MIB
    unlimited = {"sys__fs__cgroup__memory.max": "max\n", "sys__fs__cgroup__memory.current": "7\n"}
    assert memory.available(CPU, system(tmp_path, **unlimited)) == 4 * MIB


def test_a_groups_limit_counts_less_what_is_used_but_for_files(tmp_path: Path) -> None:
    files = {
        "proc__self__cgroup": "0::/slice/job\n",
        "sys__fs__cgroup__slice__memory.max": str(3 * MIB),
        "sys__fs__cgroup__slice__memory.current": str(2 * MIB),
        "sys__fs__cgroup__slice__memory.stat": f"anon 5\ninactive_file {MIB}\n",
        "sys__fs__cgroup__slice__job__memory.max": "max",
    }
    assert memory.available(CPU, system(tmp_path, **files)) == 2 * MIB


def test_version_one(tmp_path: Path) -> None:
    files = {
        "proc__self__cgroup": "9:memory:/job\n",
        "sys__fs__cgroup__memory__job__memory.limit_in_bytes": str(3 * MIB),
        "sys__fs__cgroup__memory__job__memory.usage_in_bytes": str(2 * MIB),
    }
    assert memory.available(CPU, system(tmp_path, **files)) == MIB


def test_a_system_that_says_nothing(tmp_path: Path) -> None:
    assert memory.available(CPU, tmp_path) is None
    assert (memory.available(CPU) or 0) > MIB


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
def test_the_peak_stays_when_memory_is_given_back() -> None:
    before = memory.peak(CPU) or 0
    block = np.ones(256 * MIB, dtype=np.uint8)
    after = memory.peak(CPU) or 0
    del block
    # Linux counts pages by the batch, so that the last megabyte comes and goes.
    assert after > before + 32 * MIB and (memory.peak(CPU) or 0) > after - MIB
