"""Seconds that a user waits: for --help, for a config error, for a student whose tokens are cached.

    python experiments/training-speed/starts.py --repeats 5

The line is t5-nano on 40,000 embedded pairs, one step; a first run, not told, fills the cache. "First step"
ends where the run says how many steps there are, with weights, data and trainer ready.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rendering import record

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"[\d,]+ steps$")


def timed(words: list[str], status: int, until: re.Pattern[str] | None = None) -> float:
    """Seconds of `train.py <words>`, to its end or to the line that `until` finds.

    Raises:
        SystemExit: it ended with another status, or never printed that line.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "train.py", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines, ready = [], None
    for line in process.stdout:
        lines.append(line)
        if until is not None and ready is None and until.search(line.strip()):
            ready = time.perf_counter() - began
    ended = process.wait()
    if ended != status or (until is not None and ready is None):
        sys.exit(f"train.py {' '.join(words)} ended with {ended}:\n{''.join(lines[-20:])}")
    return time.perf_counter() - began if ready is None else ready


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description="How long do starts take?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        student = [
            "model=t5-nano", f"paths.output_dir={folder}", "logger=none", "trainer.max_steps=1",
            "data.held_out=0", "validation.answers=0", "validation.limit=16",
        ]  # fmt: skip
        timed(student, 0)
        starts: dict[str, tuple[list[str], int, re.Pattern[str] | None]] = {
            "--help": (["--help"], 0, None),
            "config error (trainer.max_stps=3)": ([*student, "trainer.max_stps=3"], 2, None),
            "second start, tokens cached: to the first step": ([*student, "force=true"], 0, READY),
            "the same line again, which is done": (student, 0, None),
        }
        seconds = {name: [timed(*start) for _ in range(options.repeats)] for name, start in starts.items()}
    for name, times in seconds.items():
        print(f"{name}: {', '.join(f'{each:.2f}' for each in times)} s")
    if not options.dry:
        print(record("starts", {"repeats": options.repeats, "seconds": seconds}))


if __name__ == "__main__":
    main()
