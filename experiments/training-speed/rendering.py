"""The tables of the study's README, from results.json; what was not run says so."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tables.py, which all studies share

from tables import table

from lamini.provenance import git_state
from lamini.runs import write_atomically

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results -->", "<!-- /results -->"
NAMES = {
    "lamini": "this project",
    "hf": "Hugging Face trainer, default",
    "hf-grouped": "Hugging Face trainer, grouped by length",
    "trl": "TRL SFTTrainer, default",
    "trl-packed": "TRL SFTTrainer, packed",
    "bare": "bare loop, sorted by length",
}


def record(mode: str, numbers: dict[str, Any]) -> str:
    """Put the numbers of one part into results.json and all tables into README.md; returns the tables.

    The cases of `speed` are recorded one by one; each knows its machine and commit.
    """
    file, readme = HERE / "results.json", HERE / "README.md"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if mode == "speed":
        results[mode] = results.get(mode, {}) | {name: case | made_by() for name, case in numbers.items()}
    else:
        results[mode] = numbers | made_by()
    write_atomically(file, json.dumps(results, indent=1) + "\n")
    text = render(results)
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    write_atomically(readme, f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
    return text


def made_by() -> dict[str, Any]:
    """Machine, versions and commit; the load says how many other processes wanted the cores at the end."""
    import torch
    import transformers

    state = git_state(Path(__file__).resolve())
    return {
        "commit": str(state["git_commit"])[:10], "dirty": state["git_dirty"], "cores": os.cpu_count(),
        "machine": platform.machine(), "load": round(os.getloadavg()[0], 1), "torch": torch.__version__,
        "transformers": transformers.__version__,
    }  # fmt: skip


def render(results: dict[str, Any]) -> str:
    """Every part under its heading; one that has no numbers is named as not run."""
    parts = []
    for mode, (heading, part) in PARTS.items():
        text = part(results[mode]) if mode in results else "Not run."
        parts.append(f"### {heading}\n\n{text}")
    return "\n\n".join(parts)


def placed(part: Callable[[dict[str, Any]], str], numbers: dict[str, Any]) -> str:
    """A part, and where it was made."""
    return f"{part(numbers)}\n\n{place(numbers)}"


def place(numbers: dict[str, Any]) -> str:
    """Where and with what the numbers were made."""
    dirty = " with uncommitted changes" if numbers["dirty"] else ""
    where = numbers.get("gpu") or f"{numbers['cores']} cores ({numbers['machine']})"
    versions = f"torch {numbers['torch']}, transformers {numbers['transformers']}"
    return (
        f"{where}, load average at the end {numbers['load']}, {versions}, commit {numbers['commit']}{dirty}."
    )


def speed(cases: dict[str, Any]) -> str:
    """A table for each shape and number of rows; ratios are of medians of response tokens a second."""
    ordered = sorted(cases.values(), key=lambda case: (case["size"], case["shape"] != "t5"))
    return "\n\n".join(placed(speed_table, case) for case in ordered)


def speed_table(case: dict[str, Any]) -> str:
    """One case: its contenders, fastest or not, with what ours is to each."""
    head = ["contender", "response tokens/s", "ours is", "asked for", "seconds", "steps", "padding",
            "held-out loss", "peak MB"]  # fmt: skip
    rates = {who: median(run["tokens_per_second"] for run in runs) for who, runs in case["runs"].items()}
    ours = next((rate for who, rate in rates.items() if who.startswith("lamini")), 0.0)  # the first variant
    rows = []
    for who, runs in case["runs"].items():
        target = case["targets"].get(who)
        own = who.startswith("lamini")
        rows.append([
            NAMES["lamini"] + who.removeprefix("lamini") if own else NAMES[who],
            f"{rates[who]:,.0f}", "" if own or not ours else f"{ours / rates[who]:.2f} x",
            f"{target} x" if target else "", f"{median(run['seconds'] for run in runs):.1f}",
            str(runs[0]["steps"]), f"{runs[0]['padding']:.1%}",
            f"{median(run['held_out_loss'] for run in runs):.3f}",
            f"{median(run['peak_mb'] for run in runs):,.0f}",
        ])  # fmt: skip
    rounds = len(next(iter(case["runs"].values())))
    middle = f"medians of {rounds} rounds" if rounds > 1 else "one round"
    said = (
        f"{case['shape']}-shaped, {case['parameters']:,} parameters, {case['size']:,} rows,"
        f" {case['batch']} pairs a batch, {case['threads']} threads, {middle}:"
    )
    return f"{said}\n\n{table(head, rows)}"


def padding(numbers: dict[str, Any]) -> str:
    """Shares of padding, a table for each architecture."""
    texts = []
    for shape, rows in numbers["shares"].items():
        head = ["batching", *next(iter(rows.values()))]
        cells = [[name, *(_share(value) for value in found.values())] for name, found in rows.items()]
        texts.append(f"{shape}, {numbers['rows']:,} rows:\n\n{table(head, cells)}")
    return "\n\n".join(texts)


def _share(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.1%}"


def scaling(numbers: dict[str, Any]) -> str:
    """Tokens a second, planning and memory by number of pairs."""
    head = ["student", "pairs", "response tokens/s", "first step ms", "plan and collate ms/step", "peak MB"]
    rows = [
        [
            run["shape"], f"{run['pairs']:,}", f"{run['tokens_per_second']:,.0f}", f"{run['first_ms']:.0f}",
            f"{run['step_ms']:.1f}", f"{run['peak_mb']:,.0f}",
        ]
        for run in numbers["runs"]
    ]  # fmt: skip
    return table(head, rows)


def starts(numbers: dict[str, Any]) -> str:
    """Seconds of each start."""
    rows = [[name, f"{median(times):.2f}"] for name, times in numbers["seconds"].items()]
    return table(["line", f"seconds, median of {numbers['repeats']}"], rows)


def gpu(numbers: dict[str, Any]) -> str:
    """MFU, ratio and memory by student."""
    head = ["student", "loop", "response tokens/s", "MFU", "asked for", "of plain", "padding", "peak GB"]
    rows = []
    for run in numbers["runs"]:
        if "error" in run:
            rows.append([run["student"], run["loop"], run["error"], "", "", "", "", ""])
            continue
        plain = [r for r in numbers["runs"] if r["student"] == run["student"] and r["loop"] == "plain"]
        ratio = (
            run["tokens_per_second"] / plain[0]["tokens_per_second"]
            if plain and "error" not in plain[0]
            else 0
        )
        rows.append([
            run["student"], run["loop"], f"{run['tokens_per_second']:,.0f}", f"{run['mfu']:.1%}",
            f"{run['target']:.0%}" if run["loop"] == "packed" else "", f"{ratio:.2f} x" if ratio else "",
            f"{run['padding']:.1%}", f"{run['peak_gb']:.1f}",
        ])  # fmt: skip
    return table(head, rows)


PARTS = {
    "speed": ("Beside the peers", speed),
    "padding": ("Padding", partial(placed, padding)),
    "scaling": ("As data grows", partial(placed, scaling)),
    "starts": ("Starts", partial(placed, starts)),
    "gpu": ("On a GPU", partial(placed, gpu)),
}
