"""How long `python compare.py` takes with a large herd, how large the book is, whether its page stays fluid.

The line is run as a person runs it, in a process of its own; its time is from the start of Python to the end.
The herd (herd.py) is made first and not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import page
from herd import make

from lamini.provenance import git_state
from lamini.runs import write_atomically

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results -->", "<!-- /results -->"


def compared(herd: Path, times: int) -> dict[str, Any]:
    """Seconds of each time, peak memory, and what was written."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "compare.py", f"runs={herd}"], cwd=ROOT, check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        seconds.append(round(time.perf_counter() - began, 1))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    written = [path for path in (herd / "comparison").rglob("*") if path.is_file()]
    return {
        "seconds": seconds, "peak_gib": round(peak, 2),
        "book_mb": round((herd / "comparison" / "book.html").stat().st_size / 1e6, 2),
        "files": len(written), "all_mb": round(sum(path.stat().st_size for path in written) / 1e6, 1),
    }  # fmt: skip


def measured(runs: int, points: int, times: int) -> dict[str, Any]:
    """Everything, for results.json."""
    with tempfile.TemporaryDirectory() as folder:
        herd = make(Path(folder), runs, points)
        found = {"runs": runs, "tasks": 15, "points": points, **compared(herd, times)}
        if page.browser():
            found["page"] = page.measured(herd / "comparison" / "book.html")
        else:
            print("the page is not measured: there is no chromium")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    where = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    return {**found, **where, "load": load, **git_state(Path(__file__).resolve())}


def text(found: Mapping[str, Any]) -> str:
    """The section of the README."""
    seconds = ", ".join(f"{one:.1f}" for one in found["seconds"])
    lines = [
        f"{found['runs']} runs, {found['tasks']} tasks, {found['points']:,} records of metrics.jsonl each:"
        f" the whole line takes **{min(found['seconds']):.1f} s** (all: {seconds} s), the book is"
        f" **{found['book_mb']:.1f} MB**,"
        f" with {found['files'] - 1} files beside it ({found['all_mb']:.0f} MB in all). Peak memory"
        f" {found['peak_gib']:.1f} GiB.",
    ]
    if "page" in found:
        told = found["page"]
        lines += ["", "| step | longest task of the page's main thread | of processor time |"]
        lines += ["| --- | ---: | ---: |"]
        lines += [
            f"| {step} | {one['wall_ms']:.0f} ms | {one['own_ms']:.0f} ms |"
            for step, one in told["steps"].items()
        ]
        lines += [
            "",
            f"Opening the file took {told['open_seconds']:.1f} s (Chromium {told['version']}, 1280 x 900).",
        ]
    lines += [
        "",
        f"{found['cores']} cores ({found['machine']}), Python {found['python']}, load average at the end"
        f" {found['load']}, commit {(found['git_commit'] or 'unknown')[:10]}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--points", type=int, default=10_000, help="records of metrics.jsonl of each run")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    found = measured(options.runs, options.points, options.times)
    write_atomically(HERE / "results.json", json.dumps(found, indent=1) + "\n")
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    before, rest = readme.split(BEGIN)
    write_atomically(HERE / "README.md", f"{before}{BEGIN}\n{text(found)}\n{END}{rest.split(END)[1]}")
    print(text(found))


if __name__ == "__main__":
    main()
