"""One process beside workers on the same machine: wall time of whole lines, and whether the same came out.

python experiments/workers/measure.py [--place <folder>] [--rows <n>] [--repeats <n>]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

from lamini.children import cores
from lamini.provenance import git_state
from lamini.runs import write_atomically

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STUDENTS = ("t5-micro", "gpt2-micro")
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled"}


def run(script: str, *words: str) -> float:
    """Seconds of a line.

    Raises:
        SystemExit: it failed.
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, script, *words], cwd=ROOT, env={**os.environ, **ENVIRONMENT}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(words)}\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def digest(files: list[Path]) -> str:
    """12 hex digits over the contents of files."""
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()[:12]


def herd(place: Path) -> Path:
    """Two students that have hardly learned: what they say is of no interest here."""
    few = ["data.pairs=500", "batch_size=16", "trainer.max_steps=40", "logger=none", "trainer.threads=1"]
    run("train.py", "-m", f"model={','.join(STUDENTS)}", *few, f"paths.output_dir={place}", "name=herd")
    return place / "herd"


def oracle(place: Path, rows: int, workers: int) -> tuple[float, str]:
    """Instructions and answers of the oracle, a teacher that costs a core."""
    sizes = [f"instructions.sources.self_instruct_with{out}_topic.generate={rows}" for out in ("", "out")]
    return _generated(place, workers, "teacher=oracle", *sizes)


def local(place: Path, rows: int, workers: int, model: Path) -> tuple[float, str]:
    """Answers of a local model."""
    asked = place.parent / "asked.jsonl"
    asked.write_text("".join(json.dumps({"instruction": f"Count up to {n}."}) + "\n" for n in range(rows)))
    seeds = "instructions.collections.seeds"
    words = [f"teacher.model={model}", "teacher.max_tokens=64", f"{seeds}.path={asked}"]
    written = [f"~instructions.sources.self_instruct_with{out}_topic" for out in ("", "out")]
    return _generated(place, workers, "teacher=transformers", *words, f"{seeds}.columns.input=null", *written)


def _generated(place: Path, workers: int, *words: str) -> tuple[float, str]:
    common = ["instructions=embedded", f"paths.output_dir={place}", f"workers={workers}"]
    seconds = run("generate.py", *common, *words)
    return seconds, digest(sorted(place.glob("instructions/pairs/train-*.parquet")))


def scored(place: Path, workers: int, students: Path) -> tuple[float, str]:
    """The oracle's held-out axes, of copies that nobody has scored."""
    copies = place / "herd"
    shutil.copytree(students, copies)
    words = [f"students={copies}", "suite=oracle", "threads=1", "device=cpu", f"paths.output_dir={place}"]
    seconds = run("evaluate.py", *words, f"workers={workers}")
    results = [json.loads(file.read_text()) for file in sorted(copies.glob("*/evaluation/oracle.json"))]
    for result in results:
        result["student"].pop("source")
    return seconds, hashlib.sha256(json.dumps(results).encode()).hexdigest()[:12]


def measured(place: Path, rows: int, repeats: int) -> list[dict[str, Any]]:
    """Every line with one worker and with two, in turn."""
    students = herd(place / "students")
    lines: dict[str, Callable[[Path, int], tuple[float, str]]] = {
        "generate.py, oracle": lambda folder, workers: oracle(folder, rows, workers),
        "generate.py, local gpt2-micro": lambda folder, workers: local(
            folder, rows // 5, workers, students / "gpt2-micro" / "export"
        ),
        "evaluate.py suite=oracle, two students": lambda folder, workers: scored(folder, workers, students),
    }
    found = []
    for name, line in lines.items():
        seconds: dict[int, list[float]] = {1: [], 2: []}
        digests = set()
        for repeat in range(repeats):
            for workers in (1, 2):
                folder = place / f"{len(found)}-{workers}-{repeat}"
                took, what = line(folder, workers)
                seconds[workers].append(took)
                digests.add(what)
                print(f"{name}, workers={workers}: {took:.1f} s, {what}", flush=True)
        found.append({"line": name, "seconds": seconds, "same": len(digests) == 1})
    return found


def main() -> None:
    """Measure, write results.json and the section of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", type=Path)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(asked.place or Path(folder), asked.rows, asked.repeats)
    state = git_state(HERE / "measure.py")
    about = (
        f"{asked.rows:,} rows a source, a fifth for the local model, the best of {asked.repeats} each;"
        f" {cores()} cores, {platform.machine()}; torch {torch.__version__}, transformers"
        f" {transformers.__version__}; commit {(state['git_commit'] or 'none')[:10]}."
    )
    write_atomically(HERE / "results.json", json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    write_readme(rows, about)


def write_readme(rows: list[dict[str, Any]], about: str) -> None:
    """The section between the markers."""
    head = "| line | one process, s | two workers, s | times as fast | same result |"
    lines = [head, "| --- | ---: | ---: | ---: | --- |"]
    for row in rows:
        one, two = (min(row["seconds"][workers]) for workers in (1, 2))
        same = "yes" if row["same"] else "no"
        lines.append(f"| {row['line']} | {one:.1f} | {two:.1f} | {one / two:.2f} | {same} |")
    file = HERE / "README.md"
    section = "<!-- results -->\n" + "\n".join(lines) + f"\n\n{about}\n<!-- /results -->"
    text = re.sub(r"<!-- results -->.*<!-- /results -->", section, file.read_text("utf-8"), flags=re.DOTALL)
    write_atomically(file, text)


if __name__ == "__main__":
    main()
