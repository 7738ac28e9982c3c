"""Positions of the 15 benchmarks: GPT-2 tokens of the rows that are here, each text of a row counted once.

Contexts are scored once for all choices (lamini/evaluation), so a row costs about its text; a wrapper and
what tasks put around the texts come on top and are left out.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

ROWS = {  # of the paper's Table 8; MNLI's mismatched rows are taken for as long as the matched ones
    "openbookqa": 500, "sciq": 1000, "race": 1045, "arc_challenge": 1172, "piqa": 1838, "record": 10000,
    "sst2": 872, "mrpc": 408, "rte": 277, "mnli": 9815, "mnli_mismatch": 9832, "wsc273": 273,
    "winogrande": 1267, "wic": 638, "hellaswag": 10042,
}  # fmt: skip
LIKE = {"mnli_mismatch": "mnli"}
NOT_READ = {"id", "idx", "ind", "label", "answer", "answerKey", "source", "source_id", "split", "split_type",
            "activity_label", "ctx_a", "ctx_b", "pronoun", "quote"}  # fmt: skip
EVERY = 5  # rows: files are sorted by origin, and so by length


def positions(data: Path) -> dict[str, float]:
    """Task -> mean tokens of a row, for the tasks whose rows are in `data`/eval."""
    from transformers import GPT2Tokenizer

    tokenizer = GPT2Tokenizer.from_pretrained(data / "tokenizers" / "gpt2")
    found = {}
    for task in ROWS:
        file = data / "eval" / f"{task}.jsonl.gz"
        if not file.exists():
            continue
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [" ".join(texts(json.loads(line))) for line in islice(lines, 0, None, EVERY)]
        found[task] = sum(len(ids) for ids in tokenizer(rows)["input_ids"]) / len(rows)
    return found


def texts(value: Any) -> Iterator[str]:
    """Every text of a row that is read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name not in NOT_READ:
                yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


def tasks(measured: Mapping[str, float], stated: Mapping[str, float]) -> dict[str, float]:
    """Task -> positions of all its rows; `stated` (constants) knows the tasks whose rows are not here."""
    mean = {
        task: measured[LIKE.get(task, task)]
        if LIKE.get(task, task) in measured
        else stated[f"positions_{task}"]
        for task in ROWS
    }
    return {task: rows * mean[task] for task, rows in ROWS.items()}
