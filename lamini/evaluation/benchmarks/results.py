"""evaluation/<suite>.json: what was found, what it depends on, and which of it still holds.

    format      1
    suite       its name; with limit=<n> of the line the file is <suite>,limit=<n>.json: a part is no score
    student     name, source, key (of the next two, precision and versions), weights, tokenizer, scratch
    versions    python, scoring (of lamini/evaluation), lamini, lm_eval, transformers, torch
    limit       rows of each task, null for all
    precision   auto, fp32 or bf16
    wrapper     text around every context: bare or alpaca; as the student was trained unless another was asked
    tasks       name -> metric -> value, stderr, n, chance (null where unknown or not meant)
                name -> headline (the metric that counts), share (may be averaged), version, prompt_of_first
                (the whole prompt of row 0), cut (contexts longer than the model), by_row (rows whose headline
                is kept), key (of version, settings, rows), paper (its column there)
    groups      name -> as a task, and its tasks: one number by lm-eval's own rule for several tasks (mmlu)
    mean        of the headlines that are shares, a group counting as one: value, stderr, tasks; it is what
                the paper prints as average
    weighted_mean   the same, weighted by rows
    failed      task -> why
    others      wrapper -> tasks, groups, mean, weighted_mean, failed: the student in another wrapper, and
                difference: task or "mean" -> value (the wrapper's minus the main one's), stderr, p, n

evaluation/<suite>.outcomes.parquet holds the headline of every row (key, wrapper, task, row, outcome), from
which any two students are compared row by row; with samples=true evaluation/<suite>.samples.parquet holds
prompts, choices, log-probabilities and answers. Each file is replaced in one step, the JSON last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lm_eval.api.group import Group

from lamini.evaluation.benchmarks.judging import Judged, metrics_in
from lamini.evaluation.benchmarks.means import Score, mean, weighted_mean
from lamini.evaluation.benchmarks.prepared import Prepared
from lamini.evaluation.subjects import Subject
from lamini.runs import write_atomically

FORMAT = 1
BESIDE = ("headline", "share", "version", "prompt_of_first", "cut", "by_row", "key", "paper", "tasks")
"""What stands beside the metrics of a task."""

PARTS = ("tasks", "groups", "mean", "weighted_mean", "failed")

Part = dict[str, Any]
"""What PARTS name, of one wrapper."""


def place(subject: Subject, suite: str, limit: int | None) -> Path:
    """The JSON of a suite; `limit` is that of the line, not the suite's own."""
    return subject.result(suite if limit is None else f"{suite},limit={limit}")


def beside(file: Path, what: str) -> Path:
    """<suite>.outcomes.parquet or <suite>.samples.parquet of a <suite>.json."""
    return file.with_name(f"{file.name.removesuffix('.json')}.{what}.parquet")


def read(file: Path) -> dict[str, Any]:
    """The results, or {} where there are none that this version reads."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}


def parts_of(results: Mapping[str, Any]) -> dict[str, Part]:
    """Wrapper -> its part."""
    if not results:
        return {}
    return {results["wrapper"]: {name: results[name] for name in PARTS}, **results["others"]}


def write(file: Path, about: Mapping[str, Any], wrapper: str, parts: Mapping[str, Part]) -> None:
    """Replace the file in one step; the part of `wrapper` is the main one.

    Raises:
        UserError: it cannot be written.
    """
    others = {name: part for name, part in parts.items() if name != wrapper}
    tree = {"format": FORMAT, **about, "wrapper": wrapper, **parts[wrapper], "others": others}
    write_atomically(file, json.dumps(tree, indent=2, default=str) + "\n")


def task_entry(prepared: Prepared, judged: Judged, prompt: str) -> dict[str, Any]:
    """The entry of a task."""
    metrics = {
        name: {**numbers, "chance": prepared.chance(name.partition(",")[0])}
        for name, numbers in judged.metrics.items()
    }
    return {
        **metrics,
        "headline": judged.headline,
        "share": judged.share,
        "version": prepared.version,
        "prompt_of_first": prompt,
        "cut": judged.cut,
        "by_row": len(judged.outcomes or []),
        "key": prepared.key,
        "paper": prepared.told.paper,
    }


def headline(entry: Mapping[str, Any]) -> Score:
    """The number of a task that counts."""
    numbers = entry[entry["headline"]]
    return Score(numbers["value"], numbers["stderr"], numbers["n"])


def metrics_of(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics of a task's entry."""
    return {name: numbers for name, numbers in entry.items() if name not in BESIDE}


def group_entry(group: Group, tasks: Mapping[str, Any]) -> dict[str, Any] | None:
    """A group's entry by lm-eval's own aggregation; None unless all of its tasks are there."""
    names = [task.task_name for task in group.get_all_tasks()]
    if not names or any(name not in tasks for name in names):
        return None
    flat = {name: _flat(tasks[name]) for name in names}
    found: dict[str, Any] = dict(group.aggregate(flat))  # type: ignore[arg-type]
    metrics = metrics_in(found, int(found.get("sample_len", 0)))
    if not metrics:
        return None
    first = tasks[names[0]]["headline"]
    headline = first if first in metrics else next(iter(metrics))
    for name, numbers in metrics.items():
        numbers["chance"] = _chance([tasks[task] for task in names], name)
    share = all(tasks[name]["share"] for name in names)
    return {**metrics, "headline": headline, "share": share, "version": group.version, "tasks": names}


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A task's entry as lm-eval has it: "acc,none", "acc_stderr,none"."""
    flat: dict[str, Any] = {}
    for name, numbers in metrics_of(entry).items():
        metric, _, filtered = name.partition(",")
        flat[f"{metric},{filtered or 'none'}"] = numbers["value"]
        flat[f"{metric}_stderr,{filtered or 'none'}"] = (
            "N/A" if numbers["stderr"] is None else numbers["stderr"]
        )
        flat["sample_len"] = numbers["n"]
    return flat


def _chance(entries: Sequence[Mapping[str, Any]], metric: str) -> float | None:
    """Of several tasks, by their rows."""
    known = [entry[metric] for entry in entries if entry.get(metric, {}).get("chance") is not None]
    if len(known) < len(entries):
        return None
    return float(sum(one["chance"] * one["n"] for one in known) / sum(one["n"] for one in known))


def part(tasks: Mapping[str, Any], groups: Mapping[str, Group], failed: Mapping[str, str]) -> Part:
    """Tasks with their groups and means."""
    found = {name: entry for name, group in groups.items() if (entry := group_entry(group, tasks))}
    scores = [headline(entry) for entry in shown(tasks, found).values() if entry["share"]]
    plain, weighted = mean(scores), weighted_mean(scores)
    return {
        "tasks": dict(tasks),
        "groups": found,
        "mean": asdict(plain) if plain else None,
        "weighted_mean": asdict(weighted) if weighted else None,
        "failed": dict(failed),
    }


def shown(tasks: Mapping[str, Any], groups: Mapping[str, Any]) -> dict[str, Any]:
    """What gets a column: tasks, those of a group replaced by the group."""
    inside = {task: name for name, entry in groups.items() for task in entry["tasks"]}
    names = dict.fromkeys(inside.get(task, task) for task in tasks)
    return {name: groups[name] if name in groups else tasks[name] for name in names}


def numbers(part: Part) -> dict[str, float]:
    """The columns of a student's line: mean, weighted mean, then headlines."""
    means = {name.replace("_", " "): part[name]["value"] for name in ("mean", "weighted_mean") if part[name]}
    columns = shown(part["tasks"], part["groups"])
    return means | {name: headline(entry).value for name, entry in columns.items()}
