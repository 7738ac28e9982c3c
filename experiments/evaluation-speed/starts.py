"""Seconds from the shell to the first request: what a start of evaluate.py and of lm-eval costs.

    python experiments/evaluation-speed/starts.py --repeats 5

Both lines score the first row of ARC-Challenge with the T5-shaped student, from local rows. A request is made
when the encoder is called (noticing/sitecustomize.py).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tasks
from rendering import record
from shapes import SHAPES, write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
UNTIL = ("", ", to its end")


def timed(words: list[str], note: Path) -> tuple[float, float]:
    """Seconds of `python <words>` until the first request, and until its end.

    Raises:
        SystemExit: it did not end with 0.
    """
    note.unlink(missing_ok=True)
    path = os.pathsep.join([str(ROOT), str(HERE / "noticing")])
    own = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONPATH": path, "FIRST_REQUEST": str(note)}
    began = time.time()
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, text=True, capture_output=True, env=os.environ | own
    )
    if done.returncode:
        sys.exit(f"python {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return float(note.read_text()) - began, time.time() - began


def lines(work: Path, model: Path) -> dict[str, list[str]]:
    """Name -> the words behind `python`."""
    ours = [
        "evaluate.py", f"students={model}", "suite=custom", "suite.tasks=[arc_challenge]", "limit=1",
        "device=cpu", f"data_dir={tasks.DATA / 'eval'}", f"paths.output_dir={work / 'out'}", "force=true",
    ]  # fmt: skip
    stock = [
        "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={model}", "--device", "cpu",
        "--tasks", "arc_challenge_local", "--include_path", str(work), "--limit", "1",
    ]  # fmt: skip
    return {"evaluate.py": ours, "lm_eval --model hf": stock}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description="How long do starts take?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    if reason := tasks.missing():
        print(f"skipped: {reason}")
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tasks.write(work)
        write(SHAPES["t5"], tasks.DATA / "tokenizers", work / "t5")
        wanted = lines(work, work / "t5")
        for words in wanted.values():
            timed(words, work / "note")  # fills caches of files and rows
        seconds: dict[str, list[float]] = {f"{name}{until}": [] for name in wanted for until in UNTIL}
        for _ in range(options.repeats):
            for name, words in wanted.items():
                for until, each in zip(UNTIL, timed(words, work / "note"), strict=True):
                    seconds[f"{name}{until}"].append(each)
    for name, times in seconds.items():
        print(f"{name}: {', '.join(f'{each:.2f}' for each in times)} s")
    if not options.dry:
        print(record("starts", {"one row": {"seconds": seconds}}))


if __name__ == "__main__":
    main()
