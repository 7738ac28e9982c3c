"""results.json of this study: each script puts its part there."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from lamini.provenance import git_state
from lamini.runs import write_atomically

FILE = Path(__file__).resolve().parent / "results.json"


def results() -> dict[str, Any]:
    """What is recorded; {} before anything is."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return found


def record(part: str, value: Any) -> None:
    """Put a part in its place; the others stay."""
    write_atomically(FILE, json.dumps(results() | {part: value}, indent=1) + "\n")


def made_by() -> dict[str, Any]:
    """Machine and commit; the load says how many other processes wanted the cores at the end."""
    state = git_state(Path(__file__).resolve())
    return {
        "commit": str(state["git_commit"])[:10], "dirty": state["git_dirty"], "cores": os.cpu_count(),
        "machine": platform.machine(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
