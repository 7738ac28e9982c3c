"""One epoch of real Alpaca rows, this project beside its peers: same weights, rows, batch, steps, optimizer.

    python experiments/training-speed/benchmark.py --rows 384 --rounds 3
    python experiments/training-speed/benchmark.py --rows 4096 --ours "batching=packed size.micro_tokens=2048"

Every run is a process of its own; rounds go through the contenders by turns, every other one backwards, since
a machine may slow down. What is timed: clock.py. Response tokens a second are told, and the loss on the same
held-out rows, scored the same way on the weights that each ended with. A shape and a number of rows are one
case, recorded as soon as all its contenders have run, in the place of an earlier record of it; with `--only`
the contenders that are not run again stay on record.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import rows
from rendering import record, speed_table
from shapes import SHAPES, Shape, student_of, write_weights

HERE = Path(__file__).resolve().parent


def prepared(work: Path, shapes: list[Shape], sizes: list[int], held_out: int) -> dict[str, int]:
    """Rows and first weights in the folder `work`; returns the parameters of each shape."""
    students = {shape.name: student_of(shape, rows.TOKENIZERS) for shape in SHAPES.values()}
    rows.write(work / "rows", students, sizes, held_out)
    return {
        shape.name: write_weights(shape, rows.TOKENIZERS, work / f"weights-{shape.name}") for shape in shapes
    }


def contenders(shape: Shape, ours: list[str], only: list[str] | None) -> dict[str, list[str]]:
    """Label -> who runs and with which overrides."""
    found = {f"lamini {words}".strip(): ["lamini", *words.split()] for words in ours}
    found |= {who: [who] for who in shape.contenders}
    return {label: words for label, words in found.items() if only is None or words[0] in only}


def one(shape: Shape, size: int, words: list[str], work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One contender in a process of its own."""
    command = [
        sys.executable,
        str(HERE / "contender.py"),
        words[0],
        shape.name,
        str(size),
        "--work",
        str(work),
    ]
    command += ["--batch", str(options.batch), "--threads", str(options.threads)]
    command += ["--overrides", *words[1:]] if words[1:] else []
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1",
                   "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path()}  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def path() -> str:
    """PYTHONPATH of the children: the checkout, then what was given (an extra folder with TRL, say)."""
    return os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]))


def measured(
    shape: Shape, size: int, work: Path, options: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    """Label -> runs, one a round."""
    known = contenders(shape, options.ours, options.only)
    runs: dict[str, list[dict[str, Any]]] = {label: [] for label in known}
    for number in range(options.rounds):
        for label in list(known)[:: -1 if number % 2 else 1]:
            facts = one(shape, size, known[label], work, options)
            runs[label].append(facts)
            print(f"{shape.name}, {size} rows, round {number + 1}, {label}: {sentence(facts)}", flush=True)
    check(runs)
    return runs


def recorded(name: str) -> dict[str, list[dict[str, Any]]]:
    """The runs of a case that are on record."""
    file = HERE / "results.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return dict(results.get("speed", {}).get(name, {}).get("runs", {}))


def sentence(facts: dict[str, Any]) -> str:
    """What one run gave."""
    return (
        f"{facts['tokens_per_second']:,.0f} response tokens/s, {facts['seconds']:.1f} s,"
        f" {facts['steps']} steps, loss {facts['held_out_loss']:.3f}"
    )


def check(runs: dict[str, list[dict[str, Any]]]) -> None:
    """All saw the same pairs and response tokens; packed rows alone may take another number of steps."""
    every = [(label, run) for label, found in runs.items() for run in found]
    for name in ("pairs", "response_tokens", "steps"):
        seen = {run[name] for label, run in every if not (name == "steps" and label == "trl-packed")}
        if len(seen) > 1:
            sys.exit(f"the contenders did not do the same job: {name} {sorted(seen)}")


def main() -> None:
    """Read the arguments, measure, record."""
    parser = argparse.ArgumentParser(description="Train two small students with this project and its peers.")
    parser.add_argument("--rows", type=int, nargs="+", default=[384, 4096])
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=1, help="medians are told")
    parser.add_argument("--batch", type=int, default=16, help="pairs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--held-out", type=int, default=256, help="rows that are scored")
    parser.add_argument("--ours", action="append", help="overrides of our line; again for another variant")
    parser.add_argument("--only", nargs="+", help="contenders; without it all")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    options.ours = options.ours or [""]
    reason = rows.missing()
    if reason:
        print(f"skipped: {reason}")
        return
    shapes = [SHAPES[name] for name in options.shapes]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        parameters = prepared(work, shapes, options.rows, options.held_out)
        for size in options.rows:
            for shape in shapes:
                name = f"{shape.name} {size}"
                before = recorded(name) if options.only else {}
                case = {
                    "shape": shape.name, "size": size, "parameters": parameters[shape.name],
                    "batch": options.batch, "threads": options.threads, "targets": shape.targets,
                    "runs": before | measured(shape, size, work, options),
                }  # fmt: skip
                check(case["runs"])
                print(speed_table(case) if options.dry else record("speed", {name: case}))


if __name__ == "__main__":
    main()
