"""The rows of the study, chosen and tokenised once: texts for our own line, the same ids for the peers.

A row is taken where it fits the context of both students, so that nobody trains on a cut one.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(os.environ.get("LAMINI_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
ALPACA = DATA / "train" / "alpaca.jsonl.gz"
TOKENIZERS = DATA / "tokenizers"


@dataclass(frozen=True)
class Pair:
    """Prompt and response ids; the response includes the end token."""

    prompt: list[int]
    response: list[int]


def missing() -> str | None:
    """Why the study cannot run here; None where it can."""
    for place in (ALPACA, TOKENIZERS / "t5", TOKENIZERS / "gpt2"):
        if not place.exists():
            return f"{place} is not there; LAMINI_DATA names the folder that holds train/ and tokenizers/"
    return None


def texts() -> list[tuple[str, str]]:
    """Instruction (with its input) and response of all Alpaca rows, read as `data=file` reads them."""
    from lamini.data.options import FileData

    table = FileData(str(ALPACA)).load(Path(), 0).sources[0].table
    return list(zip(table["instruction"].to_pylist(), table["response"].to_pylist(), strict=True))


def encoded(student: Any, rows: list[tuple[str, str]]) -> list[Pair | None]:
    """Ids of each row; None where it does not fit whole."""
    found = student.encode([instruction for instruction, _ in rows], [response for _, response in rows])
    return [None if f is None or f.truncated else Pair(f.prompt, f.response) for f in found]


def write(folder: Path, students: dict[str, Any], sizes: list[int], held_out: int, seed: int = 0) -> None:
    """`<n>.jsonl` for our line and `<student>-<n>.json` for the peers, the held-out rows as n = 0.

    The rows of a smaller size are the first of a larger one; held-out rows are none of them.
    """
    rows = texts()
    order = np.random.default_rng(seed).permutation(len(rows))
    wanted = held_out + max(sizes)
    chosen = [rows[number] for number in order[: wanted + wanted // 10 + 20]]
    ids = {name: encoded(student, chosen) for name, student in students.items()}
    whole = [n for n in range(len(chosen)) if all(found[n] is not None for found in ids.values())][:wanted]
    folder.mkdir(parents=True, exist_ok=True)
    for size in [0, *sizes]:
        part = whole[:held_out] if size == 0 else whole[held_out : held_out + size]
        lines = (json.dumps({"instruction": chosen[n][0], "response": chosen[n][1]}) for n in part)
        (folder / f"{size}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, found in ids.items():
            pairs = [[pair.prompt, pair.response] for n in part if (pair := found[n]) is not None]
            (folder / f"{name}-{size}.json").write_text(json.dumps(pairs), encoding="utf-8")


def read(folder: Path, student: str, size: int) -> list[Pair]:
    """The ids that `write` wrote."""
    return [
        Pair(*pair) for pair in json.loads((folder / f"{student}-{size}.json").read_text(encoding="utf-8"))
    ]
