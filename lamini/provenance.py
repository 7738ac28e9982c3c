"""What one needs to believe and repeat a number: code, versions, hardware, seed, config hash."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from lamini.config import TrainConfig
from lamini.runs import config_hash

PACKAGES = ("lamini-herd", "torch", "transformers", "pytorch-lightning", "datasets", "wandb", "hydra-core")


def provenance(config: TrainConfig, threads: int) -> dict[str, Any]:
    """The `provenance` of run.json."""
    return {
        **git_state(Path(__file__).resolve()),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "gpus": gpus(),
            "system": platform.platform(),
        },
        "seed": config.seed,
        "threads": threads,
        "config_hash": config_hash(config),
    }


def git_state(file: Path) -> dict[str, Any]:
    """Commit and dirty flag of the checkout that tracks `file`; null where none does."""
    commands = (["ls-files", "--error-unmatch", file.name], ["rev-parse", "HEAD"], ["status", "--porcelain"])
    answers = []
    try:
        for words in commands:
            line = ["git", "-C", str(file.parent), *words]
            answers.append(
                subprocess.run(line, capture_output=True, text=True, timeout=30, check=True).stdout
            )
    except (OSError, subprocess.SubprocessError):
        return {"git_commit": None, "git_dirty": None}
    return {"git_commit": answers[1].strip(), "git_dirty": bool(answers[2].strip())}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def gpus() -> list[str]:
    """Models of NVIDIA's GPUs as the driver lists them: asking torch would start CUDA before a fork."""
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = (line for file in files for line in file.read_text().splitlines())
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
