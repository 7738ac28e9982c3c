"""One contender in a process of its own: reads what to score from its input, answers with lines of JSON.

    echo '{"task": "race", "limit": 20, "settings": {"batch_size_per_gpu": 4}}' |
        python contender.py hf <model folder> <task folder>

Only the scoring call is timed, tokenisation included: the model is loaded and the requests are built before.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()  # imports count as loading


def loaded(who: str, folder: str, device: str, more: dict[str, Any]) -> Any:
    """Stock's `hf` or ours, in fp32 on a CPU and in bf16 on a GPU."""
    import lm_eval.api.registry
    import torch

    import lamini.evaluation  # noqa: F401  stock's process too, so that both import the same

    dtype = "float32" if device == "cpu" else "bfloat16"
    own = {"wrapper": "bare", **more} if who == "lamini" else more
    torch.manual_seed(0)
    return lm_eval.api.registry.get_model(who)(pretrained=folder, device=device, dtype=dtype, **own)


@cache
def manager(folder: Path) -> Any:
    """The study's tasks alone: to index lm-eval's takes seconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(folder), include_defaults=False)


class Clock:
    """Stands in the place of `loglikelihood`: seconds of wall and processor, and what came out."""

    def __init__(self, lm: Any) -> None:
        self.score = lm.loglikelihood
        lm.loglikelihood = self

    def __call__(self, requests: list[Any]) -> list[tuple[float, bool]]:
        wall, processor = time.perf_counter(), time.process_time()
        self.found = self.score(requests, disable_tqdm=True)
        self.seconds, self.processor = time.perf_counter() - wall, time.process_time() - processor
        return list(self.found)


def scored(lm: Any, clock: Clock, tasks: Path, job: dict[str, Any]) -> dict[str, Any]:
    """One task: time, metrics, log-probability of every request."""
    import lm_eval

    for setting, value in job.get("settings", {}).items():
        setattr(lm, setting, value)
    name = f"{job['task']}_local"
    task = manager(tasks).load([name])
    rows = len(task["tasks"][name].eval_docs)
    chosen = [number * rows // job["limit"] for number in range(job["limit"])]  # files are sorted by source
    results = lm_eval.evaluate(lm, task, samples={name: chosen}, bootstrap_iters=0, log_samples=False)
    metrics = {key.split(",")[0]: value for key, value in results["results"][name].items() if "," in key}
    return {
        "seconds": clock.seconds, "processor": clock.processor, "requests": len(clock.found),
        "metrics": {key: value for key, value in metrics.items() if not key.endswith("stderr")},
        "logprobs": [float(logprob) for logprob, _ in clock.found],
        "greedy": [bool(greedy) for _, greedy in clock.found],
        "peak_mb": peak_mb(lm.device.type),
    }  # fmt: skip


def peak_mb(device: str) -> float:
    """Most memory so far: of the process on a CPU, of the device elsewhere."""
    import torch

    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Load, then answer line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["hf", "lamini"])
    parser.add_argument("model")
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--more", type=json.loads, default={}, help="arguments of the model, as JSON")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    import torch

    torch.set_num_threads(options.threads)
    lm = loaded(options.who, options.model, options.device, options.more)
    clock = Clock(lm)
    facts: dict[str, Any] = {"loading": time.perf_counter() - BEGAN, "device": str(lm.device)}
    print(json.dumps(facts), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(scored(lm, clock, options.tasks, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
