"""How much memory there is for a student, and how much one has taken at most.

Linux says both in files, which makes a library for them superfluous. A container's own limit counts where it
is lower than the machine's: the kernel kills there, whatever the machine has left.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

ROOT = Path("/")


def available(device: torch.device, root: Path = ROOT) -> int | None:
    """Bytes that a student on this device may take; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [value for value in (_machine(root), *_groups(root)) if value is not None]
    return min(found, default=None)


def peak(device: torch.device, root: Path = ROOT) -> int | None:
    """Bytes that this process has had at most: of tensors on a CUDA device, of everything on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    # Not ru_maxrss on Linux: a child inherits the peak of the process that started it.
    status = _text(root / "proc/self/status")
    if status is not None:
        return _kibibytes(status, "VmHWM")
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _machine(root: Path) -> int | None:
    text = _text(root / "proc/meminfo")
    if text is not None:
        return _kibibytes(text, "MemAvailable")
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if root == ROOT else None
    except (ValueError, OSError):
        return None


def _groups(root: Path) -> list[int]:
    """What each control group around this process leaves, version 2 and 1; pages of files give way."""
    left = []
    base = root / "sys/fs/cgroup"
    own = _text(root / "proc/self/cgroup") or ""
    names = [line.split(":", 2)[2] for line in own.splitlines() if line.count(":") >= 2]
    folders = {base, base / "memory"}
    for name in names:
        path = Path(name.strip("/"))
        for parent in (path, *path.parents):
            folders |= {base / parent, base / "memory" / parent}
    for folder in folders:
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            most, now = _text(folder / limit), _text(folder / used)
            if most is None or now is None or not most.strip().isdigit():
                continue  # "max": no limit
            files = _field(_text(folder / "memory.stat") or "", "inactive_file")
            left.append(max(0, int(most) - int(now) + files))
    return left


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None


def _field(text: str, name: str) -> int:
    return next((int(line.split()[1]) for line in text.splitlines() if line.split()[:1] == [name]), 0)


def _kibibytes(text: str, name: str) -> int | None:
    """`MemAvailable:  123 kB` -> 125952."""
    found = (line.split()[1] for line in text.splitlines() if line.startswith(f"{name}:"))
    value = next(found, None)
    return None if value is None else int(value) * 1024
