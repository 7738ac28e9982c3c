"""Small instruction sets as files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamini.evaluation.answers.instructions import Item, read, template_of

TEMPLATE = template_of("{instruction}: {input}")


def row(id: str, app: str, instruction: str, extra: str = "") -> dict[str, Any]:
    """A row in Self-Instruct's layout."""
    instances = [{"input": extra, "output": "gold"}]
    return {"id": id, "motivation_app": app, "instruction": instruction, "instances": instances}


ROWS = [
    row("t0", "Mail", "Name the colour of the sky."),
    row("t1", "Mail", "add", "1 2"),
    row("t2", "Mail", "say hi"),
    row("t3", "Chat", "Summarize this.", "hi hi"),
    row("t4", "Chat", "Count from one to five"),
]


def jsonl(path: Path, rows: Sequence[Any]) -> Path:
    """The rows as a file, zipped where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def items(path: Path) -> list[Item]:
    """ROWS, read from a file."""
    return read(jsonl(path / "set.jsonl", ROWS), TEMPLATE)
