"""Paths that may point into the package: `package:seeds.jsonl` is a file that ships with LaMini.

A prefix and no absolute path, so that a configuration on record means the same on every machine.
"""

from __future__ import annotations

from pathlib import Path

PREFIX = "package:"
FOLDER = Path(__file__).parent


def located(path: str) -> str:
    """The path itself, or that of the shipped file it names."""
    return str(FOLDER / path.removeprefix(PREFIX)) if path.startswith(PREFIX) else path
