"""Scoring of real rows by stock lm-eval's `hf` and by this project: seconds, memory, and the same scores.

    python experiments/evaluation-speed/benchmark.py --rounds 3
    python experiments/evaluation-speed/benchmark.py --shapes t5 --share 0.005 --dry

Each contender has a process of its own and loads its model once; a task is scored by one and then by the
other, every other round the other way round, so that what else the machine does hits both. Stock gets the
batch size that was fastest with this task on a part of the rows. That all log-probabilities agree is checked,
and the run fails where they do not.
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

import numpy as np
import tasks
from rendering import record, table_of
from shapes import SHAPES, Shape, write

HERE = Path(__file__).resolve().parent
BATCHES = (1, 2, 4, 8, 16, 32, 64)
# `auto` is not tried on a CPU: it looks for the largest batch that fits, with 64 rows of the model's longest
# input, whose logits alone are 13 GB with GPT-2's shape.
LARGEST = (
    3e9  # bytes of logits that a batch of stock's may have on a CPU; log-probabilities are as many again
)
# In bf16 stock rounds each log-probability to three digits: on a GPU differences are told, not judged.
NEAR = {"cpu": 1e-4, "cuda": float("inf")}
DIGITS = 4  # fp32 numbers between two scores: near 600, where an ending of 60 tokens is, 1.2e-4 are two


def path() -> str:
    """PYTHONPATH of the contenders: the checkout, then what was given."""
    return os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]))


class Contender:
    """A process that scores what it is asked to."""

    def __init__(self, who: str, work: Path, shape: str, options: argparse.Namespace) -> None:
        self.who = who
        more = {} if who == "hf" else json.loads(options.ours)
        command = [
            sys.executable, str(HERE / "contender.py"), who, str(work / shape), str(work), "--threads",
            str(options.threads), "--device", options.device, "--more", json.dumps(more),
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1",
                       "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path(),
                       "HF_HOME": str(work / "cache")}  # fmt: skip
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            stderr=sys.stderr if options.verbose else subprocess.DEVNULL,
        )  # fmt: skip
        self.loading = self._answer()["loading"]

    def score(self, task: str, limit: int, batch: int | None = None) -> dict[str, Any]:
        """What contender.py says of one task."""
        assert self.process.stdin is not None
        settings = {} if batch is None else {"batch_size_per_gpu": batch}
        self.process.stdin.write(json.dumps({"task": task, "limit": limit, "settings": settings}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.who} ended without an answer; --verbose shows why")
        return dict(json.loads(line))

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, *error: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def tried(shape: Shape, work: Path, limits: dict[str, int], options: argparse.Namespace) -> Any:
    """Task -> batch size -> stock's seconds on a part of the rows, up to where it only gets slower."""
    found: dict[str, dict[int, float]] = {}
    with Contender("hf", work, shape.name, options) as stock:
        stock.score("arc_challenge", 4, 1)  # the first call is slower than others
        for task, limit in limits.items():
            part = max(8, limit // 4)
            times = found[task] = {}
            for batch in options.batches:
                if batch > options.batches[0] and _too_large(shape, task, batch, options.device):
                    break
                times[batch] = stock.score(task, part, batch)["seconds"]
                if list(times.values())[-1] > 1.3 * min(times.values()):
                    break
    return found


def _too_large(shape: Shape, task: str, batch: int, device: str) -> bool:
    """Whether the logits of stock's batch could be above LARGEST: a decoder-only model has all of them."""
    positions = {"race": 1024}.get(task, 256) if shape.name == "gpt2" else 64
    return device == "cpu" and 4 * 50_257 * batch * positions > LARGEST


def measured(shape: Shape, work: Path, limits: dict[str, int], best: dict[str, int], options: Any) -> Any:
    """Who -> task -> one answer a round, and the seconds that loading took."""
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {
        who: {task: [] for task in limits} for who in options.only
    }
    loading = {}
    contenders = {who: Contender(who, work, shape.name, options) for who in options.only}
    for who, contender in contenders.items():
        loading[who] = contender.loading
        contender.score("arc_challenge", 8, 4 if who == "hf" else None)  # threads and kernels
    for number in range(options.rounds):
        for task, limit in limits.items():
            for who in options.only[:: -1 if number % 2 else 1]:
                facts = contenders[who].score(task, limit, best.get(task) if who == "hf" else None)
                runs[who][task].append(facts)
                print(f"{shape.name}, {task}, round {number + 1}, {who}: {facts['seconds']:.1f} s,"
                      f" {facts['processor']:.1f} s of processor", flush=True)  # fmt: skip
    for contender in contenders.values():
        contender.__exit__()
    return runs, loading


def compared(runs: dict[str, Any], device: str) -> dict[str, float]:
    """Task -> largest difference of a log-probability. The run ends where scores are not the same."""
    if len(runs) < 2:
        return {}
    found = {}
    for task, (stock, *_) in runs["hf"].items():
        ours = runs["lamini"][task][0]
        pairs = zip(stock["logprobs"], ours["logprobs"], strict=True)
        found[task], beyond = 0.0, 0.0
        for one, other in pairs:
            found[task] = max(found[task], abs(one - other))
            near = max(NEAR[device], DIGITS * float(np.spacing(np.float32(abs(one)))))
            beyond = max(beyond, abs(one - other) / near)
        same = device != "cpu" or (stock["metrics"] == ours["metrics"] and stock["greedy"] == ours["greedy"])
        if beyond > 1 or not same:
            sys.exit(f"{task}: the scores differ by {found[task]}: {stock['metrics']}, {ours['metrics']}")
    return found


def slim(runs: dict[str, Any]) -> dict[str, Any]:
    """The runs without what was scored request by request."""
    left_out = ("logprobs", "greedy")
    return {
        who: {task: [{k: v for k, v in run.items() if k not in left_out} for run in found]
              for task, found in by_task.items()}
        for who, by_task in runs.items()
    }  # fmt: skip


def case_of(shape: Shape, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one shape."""
    parameters = write(shape, tasks.DATA / "tokenizers", work / shape.name, options.tiny)
    limits = {task: limit for task, limit in tasks.limits(options.share).items() if task in options.tasks}
    tries = tried(shape, work, limits, options) if "hf" in options.only and not options.batch else {}
    best = {task: min(times, key=lambda batch: times[batch]) for task, times in tries.items()}
    best = best or dict.fromkeys(limits, options.batch)
    runs, loading = measured(shape, work, limits, best, options)
    return {
        "shape": shape.name, "parameters": parameters, "threads": options.threads, "rounds": options.rounds,
        "limits": limits, "targets": shape.targets, "tries": tries, "batch": best, "loading": loading,
        "differences": compared(runs, options.device), "runs": slim(runs),
    }  # fmt: skip


def main() -> None:
    """Read the arguments, measure, record."""
    parser = argparse.ArgumentParser(description="Score real rows with stock lm-eval and with this project.")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--tasks", nargs="+", choices=list(tasks.STOCK), default=list(tasks.STOCK))
    parser.add_argument("--share", type=float, default=0.02, help="of each task's rows")
    parser.add_argument("--rounds", type=int, default=1, help="medians are told")
    parser.add_argument("--batch", type=int, help="stock's batch size; without it the fastest of some")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="that are tried")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--ours", default="{}", help="arguments of our model as JSON")
    parser.add_argument("--only", nargs="+", choices=["hf", "lamini"], default=["hf", "lamini"])
    parser.add_argument("--tiny", action="store_true", help="tiny students: does the code run?")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    parser.add_argument("--verbose", action="store_true", help="show what the contenders print")
    options = parser.parse_args()
    reason = tasks.missing()
    if reason:
        print(f"skipped: {reason}")
        return
    part = "speed" if options.device == "cpu" else "gpu"
    with tempfile.TemporaryDirectory() as folder:
        tasks.write(Path(folder))
        for name in options.shapes:
            case = case_of(SHAPES[name], Path(folder), options)
            print(table_of(case) if options.dry else record(part, {name: case}), flush=True)


if __name__ == "__main__":
    main()
