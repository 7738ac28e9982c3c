"""Finished parts of a report, kept under what they were computed from: the same line again computes nothing
twice.

A part is re-used when its settings are the same, and replaced otherwise; `force=true` replaces it in any
case.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamini.analysis.workers import say
from lamini.report import duration
from lamini.runs import write_atomically

VERSION = 1
"""Of the measures: raised whenever the same rows and settings give other numbers."""


class Parts:
    """`<folder>/<name>.json`, one a part."""

    def __init__(self, folder: Path, force: bool) -> None:
        self.folder, self.force = folder, force
        folder.mkdir(parents=True, exist_ok=True)

    def get(
        self, name: str, settings: dict[str, Any], compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The part as it stands there, or computed now and written."""
        file = self.folder / f"{name}.json"
        content = json.dumps([VERSION, name, settings], sort_keys=True).encode()
        key = hashlib.blake2b(content, digest_size=8).hexdigest()
        known = {} if self.force else _read(file)
        if known.get("key") == key:
            say(f"{name}: taken from {file}")
            return dict(known["result"])
        say(f"{name}: begun")
        began = time.perf_counter()
        result = compute()
        write_atomically(file, json.dumps({"key": key, "result": result}, ensure_ascii=False) + "\n")
        say(f"{name}: done in {duration(time.perf_counter() - began)}")
        return dict(json.loads(json.dumps(result)))


def _read(file: Path) -> dict[str, Any]:
    """What a part's file holds; {} where it is missing or damaged, so that it is computed anew."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
