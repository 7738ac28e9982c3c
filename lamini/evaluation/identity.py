"""What a number depends on, as digests: equal ones need no second computation.

A score is a function of weights, tokenizer, precision, the libraries that ask and judge, the text around a
context, and a task's rows. File times and paths are no part of it: a folder that was copied is known again.
"""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from lamini.students import locate

SCORING = 1
"""Raised whenever lamini/evaluation gives other numbers for the same model, task and lm-eval."""

CONFIGS = ("config.json", "generation_config.json")
TOKENIZER = (*locate.TOKENIZERS, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
             "merges.txt", "chat_template.jinja")  # fmt: skip
PACKAGES = {"lamini": "lamini-herd", "lm_eval": "lm_eval", "transformers": "transformers", "torch": "torch"}


def weights_digest(folder: Path) -> str:
    """SHA-256 over the weights that transformers would load and the model's configuration."""
    first = next((folder / name for name in locate.WEIGHTS if (folder / name).is_file()), None)
    files = [] if first is None else [first]
    if first is not None and first.suffix == ".json":
        shards = set(json.loads(first.read_text(encoding="utf-8"))["weight_map"].values())
        files += [folder / shard for shard in sorted(shards)]
    return _digest([*files, *(folder / name for name in CONFIGS)])


def tokenizer_digest(folder: Path) -> str:
    """SHA-256 over the files that make a tokenizer, its chat template among them."""
    return _digest([folder / name for name in TOKENIZER])


def _digest(files: list[Path]) -> str:
    """Names and contents of those that exist."""
    total = hashlib.sha256()
    for file in files:
        if file.is_file():
            state = file.stat()
            total.update(f"{file.name} {_file_digest(file, state.st_size, state.st_mtime_ns)}\n".encode())
    return total.hexdigest()


@cache
def _file_digest(file: Path, size: int, changed: int) -> str:
    """Of one file, read once a process while size and time stay."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str | None]:
    """Of everything that computes or judges."""
    found: dict[str, str | None] = {"python": platform.python_version(), "scoring": str(SCORING)}
    for name, package in PACKAGES.items():
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def key_of(*parts: Any) -> str:
    """Sixteen hex digits of anything that JSON can write."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
