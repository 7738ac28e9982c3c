"""Seconds, memory and finds of removing duplicates, by number of rows, into results.json and the README.

    python experiments/curation-scale/benchmark.py [--rows 10000 100000 ...] [--study <folder>]

Every size runs in a process of its own (`--child`), so that its peak is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import THRESHOLD, blocks, similarity

from lamini.config import Curation, NearDuplicates
from lamini.curation.curating import curate, dropped_schema
from lamini.curation.near import Index
from lamini.curation.sketches import layout
from lamini.data.shards import PAIRS, ShardWriter, read_batches
from lamini.provenance import git_state
from lamini.runs import write_atomically

BEGIN, END = "<!-- results -->", "<!-- /results -->"
NEAR = NearDuplicates(THRESHOLD, 3, 128)
SIZES = [10_000, 100_000, 1_000_000, 2_580_000]


def main() -> None:
    """Run every size, or be one of them."""
    parser = argparse.ArgumentParser(description="Record what removing duplicates costs and finds.")
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--study", type=Path, default=Path(__file__).parent)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measured(arguments.child)))
        return
    print(record(arguments.rows, arguments.study))


def record(sizes: list[int], study: Path) -> str:
    """Measure, write results.json and the README's section; returns that section."""
    runs = [one_size(rows) for rows in sizes]
    results = {
        "runs": runs,
        "datasketch": reference(min(sizes)),
        "cores": len(os.sched_getaffinity(0)),
        "provenance": {**git_state(Path(__file__).resolve()), "numpy": np.__version__},
    }
    text = section(results)
    before, after = (study / "README.md").read_text(encoding="utf-8").split(BEGIN)
    write_atomically(study / "results.json", json.dumps(results, indent=1) + "\n")
    write_atomically(study / "README.md", f"{before}{BEGIN}\n{text}\n{END}{after.split(END)[1]}")
    return text


def one_size(rows: int) -> dict[str, Any]:
    """Write the rows, then curate them in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with ShardWriter(folder / "answered", 100_000) as shards:
            for block in blocks(rows):
                shards.write(block)
        command = [sys.executable, __file__, "--child", temporary]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
    print(f"{rows:,} rows: {found['seconds']:.0f} s, {found['peak_gb']:.2f} GB", file=sys.stderr)
    return found


def measured(folder: Path) -> dict[str, Any]:
    """Curate `answered` into `kept` and `dropped`: seconds, peak memory, and what became of the copies."""
    options = Curation(True, NEAR, None, None, False, False, None, "")
    begin, phases = time.perf_counter(), {}

    def progress(phase: str, _: int) -> None:
        phases[phase] = time.perf_counter() - begin

    with (
        ShardWriter(folder / "kept", 100_000) as kept,
        ShardWriter(folder / "dropped", 100_000, "dropped", dropped_schema(PAIRS)) as dropped,
    ):
        report = curate(lambda: read_batches(folder / "answered"), options, kept, dropped, folder, progress)
    seconds = time.perf_counter() - begin
    return {
        "rows": report.as_dict()["rows"],
        "seconds": seconds,
        "cpu_seconds": time.process_time(),
        "seconds_reading_and_sketching": phases["judged"],
        "peak_gb": peak_gb(),
        "input_gb": sum(path.stat().st_size for path in (folder / "answered").iterdir()) / 1e9,
        **planted(folder),
        "checked": report.as_dict()["near_duplicates_checked"],
    }


def planted(folder: Path) -> dict[str, Any]:
    """How many rows of each kind there were and were dropped as what."""
    there: Counter[str] = Counter()
    for batch in read_batches(folder / "answered", ["request"]):
        there.update(request.split("-")[0] for request in batch["request"].to_pylist())
    gone: Counter[str] = Counter()
    for batch in read_batches(folder / "dropped", ["request", "reason"], "dropped"):
        for request, reason in zip(batch["request"].to_pylist(), batch["reason"].to_pylist(), strict=True):
            gone[f"{request.split('-')[0]} as {reason}"] += 1
    return {"planted": dict(sorted(there.items())), "dropped": dict(sorted(gone.items()))}


def peak_gb() -> float:
    """The most memory that this process has held, in GB, as the kernel counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def reference(rows: int) -> dict[str, Any]:
    """The same decisions by `datasketch`, and by the index, on the same texts."""
    batches = [block["instruction"] for block in blocks(rows)]
    texts = [text for batch in batches for text in batch.to_pylist()]
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        index = Index(NEAR, Path(folder))
        for batch in batches:
            index.add(batch, np.zeros(len(batch), np.uint64))
        index.close(np.ones(len(texts), bool))
        ours = (index.duplicates()[0] >= 0).tolist()
    own_seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    theirs = by_datasketch(texts)
    seconds = time.perf_counter() - begin
    both = sum(a and b for a, b in zip(ours, theirs, strict=True))
    return {
        "rows": rows, "seconds": seconds, "own_seconds": own_seconds, "dropped": sum(theirs),
        "own_dropped": sum(ours), "both_dropped": both,
    }  # fmt: skip


def by_datasketch(texts: list[str]) -> list[bool]:
    """Whether each text is near an earlier one that stays: candidates by datasketch, compared exactly."""
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(num_perm=NEAR.permutations, params=layout(NEAR.threshold, NEAR.permutations))
    gone = []
    for row, text in enumerate(texts):
        sketch = MinHash(NEAR.permutations)
        words = text.split()
        grams = range(max(len(words) - NEAR.ngram + 1, 1))
        sketch.update_batch([" ".join(words[i : i + NEAR.ngram]).encode() for i in grams])
        near = any(similarity(texts[other], text) >= NEAR.threshold for other in lsh.query(sketch))
        gone.append(near)
        if not near:
            lsh.insert(row, sketch)
    return gone


def section(results: dict[str, Any]) -> str:
    """The tables of the README."""
    lines = [
        "| rows | seconds | CPU seconds | sketching | peak memory | exact found | near found | decoys dropped"
        " | others dropped | pairs found, of drawn rows |",
        "| ---: " * 10 + "|",
        *map(_line, results["runs"]),
    ]
    other = results["datasketch"]
    ratio = other["seconds"] / other["own_seconds"]
    return "\n".join(
        [
            *lines,
            "",
            f"{other['rows']:,} rows, near-duplicates alone: datasketch {other['seconds']:.1f} s, here"
            f" {other['own_seconds']:.2f} s, a ratio of {ratio:.0f}. It drops {other['dropped']:,} rows, the"
            f" index {other['own_dropped']:,}, both {other['both_dropped']:,}.",
            "",
            f"{results['cores']} cores, commit {str(results['provenance']['git_commit'])[:10]}.",
        ]
    )


def _line(run: dict[str, Any]) -> str:
    there, gone, checked = run["planted"], run["dropped"], run["checked"]

    def share(kind: str) -> str:
        found = sum(count for what, count in gone.items() if what.startswith(f"{kind} "))
        return f"{found / there[kind]:.2%}" if there.get(kind) else "–"

    others = sum(count for what, count in gone.items() if what.startswith("row "))
    recall = "–" if checked["recall"] is None else f"{checked['recall']:.1%} of {checked['similar_pairs']}"
    return (
        f"| {run['rows']:,} | {run['seconds']:.1f} | {run['cpu_seconds']:.1f} |"
        f" {run['seconds_reading_and_sketching']:.1f} |"
        f" {run['peak_gb']:.2f} GB | {share('exact')} | {share('near')} | {share('decoy')} | {others:,} |"
        f" {recall} |"
    )


if __name__ == "__main__":
    main()
