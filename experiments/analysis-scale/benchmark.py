"""Time and peak memory of analyze.py, without embeddings, on rows as long as the paper's.

Rows are synthetic: seven sets in the proportions of paper Table 1, lengths drawn around its means, words drawn from
a Zipf distribution, 3 % exact repeats and 3 % near-duplicates among the instructions. Each number of rows is one
`analyze.py` line in a process of its own; the peak is the highest sum over that process and its
children (proportional set size: a page that several of them map counts once), seen every 0.2 s.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TABLE = yaml.safe_load((ROOT / "lamini" / "analysis" / "paper.yaml").read_text())["table1"]
SETS = [name for name in TABLE if name != "all"]
BATCH = 20_000
VOCABULARY = 200_000
SIGMA = 0.9  # of the logarithm of a length: half of the texts have two thirds of the mean or less
PARTS = ("lengths", "diversity", "repeats", "contamination")


def words(random: np.random.Generator) -> list[str]:
    """Made-up words of 2 to 11 letters, the frequent ones short."""
    letters = np.array(list("etaoinshrdlcumwfgypbvk"))
    size = np.clip(2 + np.log1p(np.arange(VOCABULARY)) * 0.5 + random.normal(0, 1, VOCABULARY), 2, 11).astype(
        int
    )
    return ["".join(random.choice(letters, n)) for n in size]


def texts(random: np.random.Generator, count: int, mean: float, known: np.ndarray) -> list[str]:
    """Texts of about `mean` words and marks: log-normal lengths, Zipf words, a full stop behind each."""
    length = np.maximum(random.lognormal(np.log(mean - 1) - SIGMA**2 / 2, SIGMA, count).astype(int), 1)
    rank = np.minimum(random.zipf(1.15, length.sum()) - 1, VOCABULARY - 1)
    picked = known[rank].tolist()
    ends = np.cumsum(length).tolist()
    return [" ".join(picked[start:end]) + "." for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def repeated(random: np.random.Generator, column: list[str]) -> list[str]:
    """3 % of the texts replaced by another one, and 3 % by another one with a word more."""
    chance = random.random(len(column))
    other = random.integers(len(column), size=len(column))
    return [
        column[o] if c < 0.03 else f"{column[o]} again" if c < 0.06 else text
        for text, c, o in zip(column, chance, other, strict=True)
    ]


def write(path: Path, rows: int, seed: int = 0) -> None:
    """A parquet file of `rows` pairs, the sets mixed."""
    random = np.random.default_rng(seed)
    known = np.array(words(random), dtype=object)
    weight = np.array([TABLE[name]["pairs"] for name in SETS])
    schema = pa.schema(
        [(name, pa.large_string()) for name in ("instruction", "response", "instruction_source")]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, BATCH):
            left = min(BATCH, rows - start)
            columns: list[list[str]] = [[], [], []]
            for name, count in zip(SETS, random.multinomial(left, weight / weight.sum()), strict=True):
                facts = TABLE[name]
                columns[0] += (
                    repeated(random, texts(random, count, facts["instruction"]["mean"], known))
                    if count
                    else []
                )
                columns[1] += texts(random, count, facts["response"]["mean"], known) if count else []
                columns[2] += [name] * count
            order = random.permutation(left)
            writer.write_table(
                pa.table([pa.array(c, pa.large_string()).take(order) for c in columns], schema=schema)
            )


def measured(line: list[str]) -> dict[str, Any]:
    """Run a line; seconds, peak memory in GiB and what it printed."""
    began, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(line, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        out.seek(0)
        said = out.read()
    if process.returncode:
        sys.exit(f"{' '.join(line)} ended with {process.returncode}:\n{said}")
    return {"seconds": round(seconds, 1), "peak_gib": round(peak / 2**30, 2), "said": said}


def memory(pid: int) -> int:
    """Proportional set size of a process and its children in bytes: a shared page counts once."""
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for each in family:
            total += each.memory_full_info().pss
    except psutil.Error:
        pass  # ended in between
    return total


def analyzed(path: Path, folder: Path, tasks: str | None) -> dict[str, Any]:
    """One analyze.py line without embeddings, with the seconds of its parts."""
    line = [sys.executable, "analyze.py", "data=file", f"data.path={path}", "semantic.model=null", "processes=2",
            f"paths.output_dir={folder}", "force=true", *([f"contamination.tasks={tasks}"] if tasks else [])]  # fmt: skip
    result = measured(line)
    said = result.pop("said")
    times = dict(re.findall(r"^(\w+): done in (.+)$", said, re.MULTILINE))
    return {**result, "parts": {part: times.get(part) for part in PARTS if part in times}}


def main() -> None:
    """Measure every number of rows that is asked for and add it to results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, required=True, help="for the rows and the reports")
    parser.add_argument("--tasks", help="folder of test items")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    file = HERE / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for rows in options.rows:
        path = options.folder / f"pairs-{rows}.parquet"
        if not path.exists():
            write(path, rows)
        results[str(rows)] = {
            "rows": rows,
            "megabytes": round(path.stat().st_size / 1e6, 1),
            **analyzed(path, options.folder / "out", options.tasks),
            "machine": f"{os.cpu_count()} cores {platform.machine()}, load {os.getloadavg()[0]:.1f} at the end",
        }
        print(json.dumps(results[str(rows)]), flush=True)
        file.write_text(
            json.dumps(dict(sorted(results.items(), key=lambda item: int(item[0]))), indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
