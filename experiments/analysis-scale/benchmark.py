"""Time and peak memory of analyze.py, without embeddings, on rows as long as the paper's.

Rows are synthetic: seven sets in the proportions of paper Table 1, lengths drawn around its means, words
drawn from a Zipf distribution, 3 % exact repeats and 3 % near-duplicates among the instructions. Each
number of rows is one `analyze.py` line in a process of its own; the peak is the highest sum over that
process and its children, seen every 0.5 s (proportional set size: a page that several of them map counts
once).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
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

from lamini.provenance import git_state
from lamini.runs import write_atomically

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TABLE = yaml.safe_load((ROOT / "lamini" / "analysis" / "paper.yaml").read_text())["table1"]
SETS = [name for name in TABLE if name != "all"]
BATCH = 20_000
VOCABULARY = 200_000
SIGMA = 0.9  # of the logarithm of a length: half of the texts have two thirds of the mean or less
BEGIN, END = "<!-- results -->", "<!-- /results -->"
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
    began, peak, before = time.perf_counter(), 0, cpu_seconds()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(line, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.5)
        seconds, cpu = time.perf_counter() - began, cpu_seconds() - before
        out.seek(0)
        said = out.read()
    if process.returncode:
        sys.exit(f"{' '.join(line)} ended with {process.returncode}:\n{said}")
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gb": round(peak / 1e9, 2),
        "said": said,
    }


def cpu_seconds() -> float:
    """Of all ended children and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    line = [sys.executable, "analyze.py", "data=file", f"data.path={path}", "semantic.model=null"]
    line += ["processes=2", f"paths.output_dir={folder}", "force=true"]
    line += [f"contamination.tasks={tasks}"] if tasks else []
    result = measured(line)
    said = result.pop("said")
    times = dict(re.findall(r"^(\w+): done in (.+)$", said, re.MULTILINE))
    return {**result, "parts": {part: times.get(part) for part in PARTS if part in times}}


def section(results: list[dict[str, Any]]) -> str:
    """The table of the README."""
    head = ["rows", "seconds", "CPU seconds", "peak memory", *PARTS]
    lines = [f"| {' | '.join(head)} |", "| ---: " * len(head) + "|"]
    for run in results:
        cells = [f"{run['rows']:,}", f"{run['seconds']:,.0f}", f"{run['cpu_seconds']:,.0f}"]
        cells += [f"{run['peak_gb']:.2f} GB", *(run["parts"].get(part, "") for part in PARTS)]
        lines.append(f"| {' | '.join(cells)} |")
    where = f"{os.cpu_count()} cores ({platform.machine()}), 2 processes, nice 10"
    loads = f"load average at the end {', '.join(str(run['load']) for run in results)}"
    return "\n".join([*lines, "", f"{where}; {loads}. Seconds of a part are wall time."])


def main() -> None:
    """Measure every number of rows that is asked for; write results.json and the README's section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, required=True, help="for the rows and the reports")
    parser.add_argument("--tasks", help="folder of test items")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    file = HERE / "results.json"
    known = {run["rows"]: run for run in json.loads(file.read_text())} if file.exists() else {}
    for rows in options.rows:
        path = options.folder / f"pairs-{rows}.parquet"
        if not path.exists():
            write(path, rows)
        known[rows] = {
            "rows": rows,
            "input_gb": round(path.stat().st_size / 1e9, 3),
            **analyzed(path, options.folder / "out", options.tasks),
            "load": round(os.getloadavg()[0], 1),
            "git_commit": git_state(Path(__file__).resolve())["git_commit"],
        }
        print(json.dumps(known[rows]), flush=True)
        results = [known[rows] for rows in sorted(known)]
        write_atomically(file, json.dumps(results, indent=1) + "\n")
        before, after = (HERE / "README.md").read_text(encoding="utf-8").split(BEGIN)
        text = f"{before}{BEGIN}\n{section(results)}\n{END}{after.split(END)[1]}"
        write_atomically(HERE / "README.md", text)


if __name__ == "__main__":
    main()
