"""A written folder: who asks it needs the tokenizer and the text around an instruction, so both are in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamini.exporting.formats import Format
from lamini.runs import write_atomically
from lamini.students.export import plain_tokenizer
from lamini.students.protocol import Student

RECORD = "export.json"
FORMAT = 1


def add_tokenizer(student: Student, folder: Path) -> None:
    """The tokenizer's files, under the one class name that transformers 4 and 5 both know."""
    plain_tokenizer(student).save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    told["tokenizer_class"] = "PreTrainedTokenizerFast"
    for key in ("backend", "is_local", "local_files_only"):
        told.pop(key, None)
    file.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def record(
    student: Student, subject: Mapping[str, Any], made: Format, versions: Mapping[str, str], parity: Any
) -> dict[str, Any]:
    """What export.json says."""
    return {
        "format": FORMAT,
        "target": made.name,
        "options": made.options(),
        "student": dict(subject),
        "architecture": student.architecture,
        "prompt": {"wrapper": student.wrapper, "prefix": student.wrap.prefix, "suffix": student.wrap.suffix},
        "end": student.end,
        "context": student.context,
        "versions": dict(versions),
        "parity": parity,
    }


def read(folder: Path) -> dict[str, Any]:
    """export.json of a folder, or {} where there is none that this version reads."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}


def write(folder: Path, told: Mapping[str, Any]) -> None:
    """Write export.json."""
    write_atomically(folder / RECORD, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def megabytes(folder: Path) -> float:
    """Of all its files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
