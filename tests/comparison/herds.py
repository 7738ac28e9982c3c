"""Run folders and scored models in the very form in which train.py and evaluate.py leave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lamini.compose import compose
from lamini.config import TrainConfig
from lamini.runs import config_hash, plain

TASKS = {"a": 0.25, "b": 0.5}
"""Task -> chance."""


def run(
    folder: Path,
    *words: str,
    status: str = "done",
    data: str = "d" * 12,
    record: Mapping[str, Any] | None = None,
) -> Path:
    """A run of `python train.py <words>` in `folder`."""
    config = _composed(words or ("model=t5-nano",))
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(plain(config), sort_keys=False))
    told = {
        "format": 1, "status": status, "student": f"{config.family.name}-{config.size.name}",
        "family": config.family.name, "size": config.size.name, "init": config.init.value, "rehearsal": False,
        "architecture": config.family._target_.split(".")[-2].replace("_", "-"),
        "parameters": config.family.sizes[config.size.name].parameters,
        "data": {"fingerprint": data, "pairs": 100, "tokens": {"prompt": 900, "response": 400}},
        "steps": 40, "epochs": 1.0, "response_tokens": 400, "response_tokens_per_second": 200.0,
        "train_loss": 2.0, "validation_loss": 2.1, "validation_bits_per_byte": 1.3, "seconds": 60.0,
        "held_out": {}, "error": None, "mfu": None, "peak_memory_gib": None,
        "provenance": {
            "git_commit": "abcdef0123456789", "git_dirty": False, "versions": {"lamini-herd": "0.6.0"},
            "hardware": {"machine": "x86_64", "cores": 2, "gpus": []}, "seed": config.seed, "threads": 1,
            "config_hash": config_hash(config),
        },
        **(record or {}),
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(told))
    return folder


@cache
def _composed(words: tuple[str, ...]) -> TrainConfig:
    config: TrainConfig = compose("train", words)
    return config


def scored(folder: Path, values: Mapping[str, float], suite: str = "quick", **more: Any) -> Path:
    """evaluation/<suite>.json of a student; `values`: task of TASKS -> share. `more` replaces parts of it."""
    tasks = {
        name: {
            "acc": {"value": value, "stderr": 0.01, "n": 200, "chance": TASKS.get(name)}, "headline": "acc",
            "share": True, "version": "1.0", "prompt_of_first": "", "cut": 0, "by_row": 0, "key": f"{name}-1",
            "paper": None,
        }
        for name, value in values.items()
    }  # fmt: skip
    mean = sum(values.values()) / len(values)
    config = folder / "config.yaml"
    wrapper = yaml.safe_load(config.read_text())["family"]["wrapper"] if config.is_file() else "bare"
    tree = {
        "format": 1, "suite": suite, "versions": {"lm_eval": "0.4.13", "scoring": "1", "lamini": "0.6.0"},
        "student": {"name": folder.name, "source": str(folder / "export"), "key": "k", "weights": "w" * 64,
                    "tokenizer": "t" * 64, "scratch": False},
        "limit": None, "precision": "auto", "wrapper": wrapper, "tasks": tasks, "groups": {},
        "mean": {"value": mean, "stderr": 0.007, "tasks": len(tasks)},
        "weighted_mean": {"value": mean, "stderr": 0.007, "tasks": len(tasks)},
        "failed": {}, "others": {}, **more,
    }  # fmt: skip
    place = folder / "evaluation"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{suite}.json").write_text(json.dumps(tree))
    return folder
