"""The tables of the study's README, from results.json; what was not run says so."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tables.py, which all studies share

from tables import table

from lamini.provenance import git_state
from lamini.runs import write_atomically

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results -->", "<!-- /results -->"


def record(part: str, numbers: dict[str, Any]) -> str:
    """Put the cases of one part into results.json and all tables into README.md; returns the tables.

    Cases are recorded one by one; each knows its machine and commit.
    """
    file, readme = HERE / "results.json", HERE / "README.md"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    results[part] = results.get(part, {}) | {name: case | made_by() for name, case in numbers.items()}
    write_atomically(file, json.dumps(results, indent=1) + "\n")
    text = render(results)
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    write_atomically(readme, f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
    return text


def made_by() -> dict[str, Any]:
    """Machine, versions and commit; the load says how many processes wanted the cores at the end."""
    from importlib.metadata import version

    state = git_state(Path(__file__).resolve())
    names = ("lm_eval", "torch", "transformers")
    return {
        "commit": str(state["git_commit"])[:10], "dirty": state["git_dirty"], "cores": os.cpu_count(),
        "machine": platform.machine(), "load": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in names},
    }  # fmt: skip


def render(results: dict[str, Any]) -> str:
    """Every part under its heading; one that has no numbers is named as not run."""
    parts = []
    for name, (heading, part) in PARTS.items():
        found = [part(case) + f"\n\n{place(case)}" for case in results.get(name, {}).values()]
        parts.append(f"### {heading}\n\n" + ("\n\n".join(found) or "Not run."))
    return "\n\n".join(parts)


def place(case: dict[str, Any]) -> str:
    """Where and with what the numbers were made."""
    dirty = " with uncommitted changes" if case["dirty"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in case["versions"].items())
    where = case.get("gpu") or f"{case['cores']} cores ({case['machine']})"
    return f"{where}, load average at the end {case['load']}, {versions}, commit {case['commit']}{dirty}."


def table_of(case: dict[str, Any]) -> str:
    """One shape: a line a task, then all of them, then RACE and HellaSwag."""
    rows = [_line(case, task, [task]) for task in case["limits"]]
    if len(rows) > 1:
        rows.append(_line(case, "all", list(case["limits"])))
    rounds = f"medians of {case['rounds']} rounds" if case["rounds"] > 1 else "one round"
    said = f"{case['shape']}-shaped, {case['parameters']:,} parameters, {case['threads']} threads, {rounds}:"
    head = ["task", "rows", "requests", "stock s", "batch", "ours s", "ratio", "asked for",
            "of processor time", "metrics of both", "largest difference"]  # fmt: skip
    memory = ", ".join(
        f"{'stock' if who == 'hf' else 'ours'}"
        f" {max(run['peak_mb'] for runs in found.values() for run in runs):,.0f}"
        f" MB, {case['loading'][who]:.1f} s until imported and loaded"
        for who, found in case["runs"].items()
    )
    return f"{said}\n\n{table(head, rows)}\n\nPeak memory and loading: {memory}."


def _line(case: dict[str, Any], name: str, tasks: list[str]) -> list[str]:
    """Cells of some tasks together; ratios are of sums of medians."""
    wall, processor = (
        {
            who: sum(median(run[kind] for run in found[task]) for task in tasks)
            for who, found in case["runs"].items()
        }
        for kind in ("seconds", "processor")
    )
    runs = next(iter(case["runs"].values()))
    both = len(wall) == 2
    one = tasks[0] if len(tasks) == 1 else None
    target = case["targets"].get(name)
    metrics = runs[one][0]["metrics"] if one else {}
    worst = max((case["differences"].get(task, 0.0) for task in tasks), default=0.0)
    return [
        name, f"{sum(case['limits'][task] for task in tasks):,}",
        f"{sum(runs[task][0]['requests'] for task in tasks):,}",
        f"{wall['hf']:.1f}" if "hf" in wall else "", str(case["batch"][one]) if one else "",
        f"{wall['lamini']:.1f}" if "lamini" in wall else "",
        f"{wall['hf'] / wall['lamini']:.2f} x" if both else "", f"{target} x" if target else "",
        f"{processor['hf'] / processor['lamini']:.2f} x" if both else "",
        ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items() if isinstance(value, float)),
        f"{worst:.0e}" if both else "",
    ]  # fmt: skip


def starts(case: dict[str, Any]) -> str:
    """Seconds from the command to the first request."""
    rows = [
        [line, *(f"{value:.2f}" for value in (median(times), *times))]
        for line, times in case["seconds"].items()
    ]
    head = ["line", "median s", *(f"try {n + 1}" for n in range(len(next(iter(case["seconds"].values())))))]
    return table(head, rows)


PARTS = {
    "speed": ("Beside stock lm-eval", table_of),
    "starts": ("Starts", starts),
    "gpu": ("On a GPU", table_of),
}
