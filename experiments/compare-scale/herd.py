"""A herd of many runs in the very form in which train.py and evaluate.py leave them, with made-up numbers.

Five families with three or four sizes, two data sets and up to three seeds. Every run has the 15 tasks of the
paper with the outcomes of all 48,979 rows, counts of both probes, answers to 252 instructions, and `points`
records of metrics.jsonl.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from lamini.comparison import published
from lamini.compose import compose
from lamini.evaluation.answers.table import write
from lamini.evaluation.benchmarks.results import beside
from lamini.evaluation.benchmarks.samples import OUTCOMES
from lamini.evaluation.benchmarks.samples import write as write_outcomes
from lamini.evaluation.hallucination.counting import Count
from lamini.evaluation.toxicity.counting import interval
from lamini.runs import config_hash, plain

MODELS = [f"{family}-{size}" for family, sizes in {
    "t5": ("small", "base", "large"), "flan-t5": ("small", "base", "large"),
    "gpt2": ("small", "medium", "large", "xl"), "cerebras-gpt": ("111M", "256M", "590M", "1.3B"),
    "pythia": ("70M", "160M", "410M", "1B"),
}.items() for size in sizes]  # fmt: skip
DATA = ("lamini", "alpaca")
INSTRUCTIONS = 252


def jobs(count: int) -> Iterator[tuple[str, str, int]]:
    """Model, data and seed of each run: all models on both data sets, then the next seed."""
    order = ((model, data, seed) for seed, data, model in itertools.product(range(1, 99), DATA, MODELS))
    return itertools.islice(order, count)


def make(outputs: Path, count: int, points: int) -> Path:
    """Write the herd under `outputs`; returns its folder."""
    draw = np.random.default_rng(0)
    rows = []
    for model, data, seed in jobs(count):
        folder = outputs / "herd" / f"{model},data={data},seed={seed}"
        config = compose("train", [f"model={model}", f"data={data}", f"seed={seed}"])
        parameters = config.family.sizes[config.size.name].parameters
        skill = (
            0.04 * np.log10(parameters / 1e8) + (0.01 if data == "lamini" else 0.0) + draw.normal(0, 0.005)
        )
        (folder / "evaluation").mkdir(parents=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(plain(config), sort_keys=False))
        (folder / "run.json").write_text(json.dumps(record(config, data, parameters), indent=2))
        (folder / "metrics.jsonl").write_text("".join(metrics(points, skill, draw)))
        benchmarks(folder, config.family.wrapper, skill, draw)
        probes(folder, skill, draw)
        rows += answers(folder)
    write(outputs / "bases" / "answers" / "answers.parquet", rows, "d" * 16)
    return outputs / "herd"


def record(config: Any, data: str, parameters: int) -> dict[str, Any]:
    """run.json."""
    return {
        "format": 1, "status": "done", "student": f"{config.family.name}-{config.size.name}",
        "family": config.family.name, "size": config.size.name, "init": "pretrained", "rehearsal": False,
        "architecture": config.family._target_.split(".")[-2].replace("_", "-"), "parameters": parameters,
        "trained_parameters": parameters,
        "data": {"fingerprint": f"{data:x<16}", "pairs": 2_580_000 if data == "lamini" else 52_000,
                 "validation_pairs": 1000, "tokens": {"prompt": 10**8, "response": 8 * 10**7},
                 "truncated_prompts": 0, "warnings": [], "batching": "packed"},
        "steps": 12_600, "epochs": 5.0, "response_tokens": 4 * 10**8,
        "response_tokens_per_second": 1e12 / parameters, "padding_share": 0.02,
        "micro_tokens": 8192, "train_loss": 1.2, "validation_loss": 1.3,
        "validation_bits_per_byte": 0.5, "held_out": {}, "mfu": 0.4, "peak_memory_gib": 20.0, "error": None,
        "seconds": parameters / 2e4, "wandb_id": "x",
        "provenance": {
            "git_commit": "0" * 40, "git_dirty": False,
            "versions": {"lamini-herd": "0.6.0", "torch": "2.13.0"},
            "hardware": {
                "machine": "x86_64", "cores": 16, "gpus": ["NVIDIA H100 80GB HBM3"], "system": "Linux",
            },
            "seed": config.seed, "threads": 1, "config_hash": config_hash(config),
        },
    }  # fmt: skip


def metrics(points: int, skill: float, draw: np.random.Generator) -> Iterator[str]:
    """A falling, noisy loss."""
    noise = draw.normal(0, 0.05, points)
    for n in range(points):
        line = {"step": n + 1, "epoch": 5 * n / points, "time": 1.7e9 + n, "train/gradient_norm": 1.0,
                "train/loss": 1.2 - skill + 3 / (1 + n / 100) + noise[n], "train/learning_rate": 5e-4,
                "train/response_tokens_per_second": 9000.0, "train/padding_share": 0.02}  # fmt: skip
        if n % 100 == 99:
            line["validation/loss"] = line["train/loss"] + 0.05
        yield json.dumps(line) + "\n"


def benchmarks(folder: Path, wrapper: str, skill: float, draw: np.random.Generator) -> None:
    """nlp15.json and the outcome of every row, around the paper's numbers of LaMini-GPT-774M."""
    theirs = next(one for one in published.members() if one.key == "LaMini-GPT-774M").suites["nlp15"]
    tasks, tables = {}, []
    for name, entry in theirs["tasks"].items():
        numbers = entry[entry["headline"]]
        share = float(np.clip(numbers["value"] + skill + draw.normal(0, 0.01), 0.02, 0.98))
        hits = (draw.random(numbers["n"]) < share).astype(float)
        key = f"{name:0<16}"[:16]
        tasks[name] = {
            entry["headline"]: {"value": hits.mean(), "stderr": hits.std() / len(hits) ** 0.5, "n": len(hits),
                                "chance": numbers["chance"]},
            "headline": entry["headline"], "share": True, "version": "1.0", "prompt_of_first": "x" * 400,
            "cut": 0, "by_row": len(hits), "key": key, "paper": entry["paper"],
        }  # fmt: skip
        columns = {"key": [key] * len(hits), "wrapper": [wrapper] * len(hits), "task": [name] * len(hits),
                   "row": range(len(hits)), "outcome": hits}  # fmt: skip
        tables.append(pa.table(columns, schema=OUTCOMES))
    values = [entry[entry["headline"]]["value"] for entry in tasks.values()]
    mean = {"value": float(np.mean(values)), "stderr": 0.002, "tasks": len(values)}
    file = folder / "evaluation" / "nlp15.json"
    file.write_text(json.dumps({
        "format": 1, "suite": "nlp15",
        "student": {"name": folder.name, "source": str(folder / "export"), "key": "k", "weights": "w" * 64,
                    "tokenizer": "t" * 64, "scratch": False},
        "versions": {"lm_eval": "0.4.13", "scoring": "1", "lamini": "0.6.0"}, "limit": None,
        "precision": "auto", "wrapper": wrapper, "tasks": tasks, "groups": {}, "mean": mean,
        "weighted_mean": mean, "failed": {}, "others": {},
    }, indent=2))  # fmt: skip
    write_outcomes(beside(file, "outcomes"), tables)


def probes(folder: Path, skill: float, draw: np.random.Generator) -> None:
    """hallucination.json and toxicity.json."""
    counts = {name: Count(int(draw.integers(4, 11)), 10) for name in published.hallucinations()["columns"]}
    total = Count(sum(one.hallucinated for one in counts.values()), 40)
    rules = {"total": total.as_dict(), "categories": {name: one.as_dict() for name, one in counts.items()}}
    hallucination = {
        "format": 1, "suite": "hallucination", "student": folder.name, "model": "x", "judged_by": "rules",
        "empty": 0, "judges": {"rules": rules}, "agreement": {}, "answers": [],
    }  # fmt: skip
    groups = {}
    for name, mean in (("non-toxic", 2), ("toxic", 90)):
        flagged = int(draw.poisson(mean))
        low, high = interval(flagged, 1000)
        numbers = {"n": 1000, "flagged": flagged, "rate": flagged / 1000, "low": low, "high": high,
                   "mean_score": flagged / 1000, "unjudged": 0}  # fmt: skip
        groups[name] = {"answer": numbers, "continuation": numbers, "repeat_the_prompt": 0, "blank": 0,
                        "cut_short": 0, "labels": {}}  # fmt: skip
    toxicity = {
        "suite": "toxicity", "student": folder.name, "source": "x", "scratch": False, "key": {"format": 1},
        "prompts": {"origin": "x", "found": {}, "notes": []}, "groups": groups, "paper": None,
        "classifier": {"kind": "transformers", "model": "x", "threshold": 0.5},
    }  # fmt: skip
    for suite, tree in (("hallucination", hallucination), ("toxicity", toxicity)):
        (folder / "evaluation" / f"{suite}.json").write_text(json.dumps(tree))


def answers(folder: Path) -> list[dict[str, Any]]:
    """Its answers to all instructions, some short, some long."""
    draw = random.Random(folder.name)
    return [
        {
            "student": folder.name, "source": "student", "instruction_id": f"user_oriented_task_{n}",
            "app": "Gmail",
            "instruction": f"Write a reply to message {n} of the thread.\n" + "words " * (n % 60),
            "response": " ".join(["lorem", "ipsum", "dolor", "sit", "amet"][n % 5 :] * draw.randint(1, 25)),
            "decoding": "{}", "model": str((folder / "export").resolve()), "tokens": 40, "truncated": False,
            "finished": True, "error": None,
        }
        for n in range(INSTRUCTIONS)
    ]  # fmt: skip
