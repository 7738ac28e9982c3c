"""One folder becomes one member: a run of train.py, or a model that evaluate.py scored.

A torn file is told and left out; the rest of the member stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lamini.comparison import published
from lamini.comparison.herd import Kind, Member, Tree
from lamini.compose import CONF
from lamini.errors import UserError
from lamini.evaluation.benchmarks import paper
from lamini.runs import RunFolder
from lamini.web.text import visible

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

RESULTS = 1
"""Format of evaluation/<suite>.json that this version reads."""


NAMES = ("student", "family", "size")
FORMS: dict[str, Any] = {
    **dict.fromkeys((*NAMES, "status", "architecture", "init", "error"), str | None),
    **dict.fromkeys(("data", "provenance", "held_out"), dict | None),
    **dict.fromkeys(("parameters", "steps"), int | None),
    **dict.fromkeys(("seconds", "validation_loss", "validation_bits_per_byte"), int | float | None),
}
"""Keys of run.json that chapters read, and what they may be."""


def is_member(folder: Path) -> bool:
    """Whether train.py or evaluate.py wrote into the folder."""
    return (
        (folder / "run.json").is_file()
        or (folder / "config.yaml").is_file()
        or any((folder / "evaluation").glob("*.json"))
    )


def member_of(folder: Path) -> tuple[Member | None, list[str]]:
    """The member, and what cannot be told of it, one sentence each; no member where nothing can."""
    suites, problems = _suites(folder)
    if not (folder / "run.json").is_file():
        if not suites and not problems:
            return None, [f"{folder} has no run.json: its run was stopped before it began"]
        return _model(folder, suites, problems), []
    record, status = _record(folder, problems)
    if record.get("rehearsal"):
        return None, [f"{folder} is a rehearsal, whose numbers mean nothing"]
    config = _config(folder, problems)
    name = visible(folder.resolve().name)
    return Member(name, Kind.run, folder, record, config, suites, status, tuple(problems)), []


def _record(folder: Path, problems: list[str]) -> tuple[Tree, str]:
    """run.json and the status it stands for: `running` without a process that holds the folder was killed."""
    run = RunFolder(folder)
    try:
        record = run.record()
    except UserError as error:
        problems.append(str(error))
        return {}, "damaged"
    if strange := [name for name, kinds in FORMS.items() if not isinstance(record.get(name), kinds)]:
        problems.append(f"{run.record_file} is no record of a run ({', '.join(strange)} of another form)")
        return {}, "damaged"
    named = {name: visible(record[name]) for name in NAMES if record.get(name)}
    status = visible(record.get("status") or "damaged")
    try:
        killed = status == "running" and not run.running()
    except OSError:
        killed = False  # the lock may not be touched: as the record says
    return {**record, **named}, "killed" if killed else status


def _config(folder: Path, problems: list[str]) -> Tree:
    file = folder / "config.yaml"
    try:
        tree = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        problems.append(f"{file} cannot be read ({_first(error)})")
        return {}
    if not isinstance(tree, dict) or not isinstance(tree.get("family"), dict):
        problems.append(f"{file} is no configuration of a run")
        return {}
    return tree


def _suites(folder: Path) -> tuple[dict[str, Tree], list[str]]:
    """evaluation/<suite>.json by suite, and what of them is torn or of another version."""
    suites, problems = dict[str, Tree](), list[str]()
    for file in sorted((folder / "evaluation").glob("*.json")):
        try:
            tree = json.loads(file.read_text(encoding="utf-8"))
            trouble = wrong(tree)
        except (OSError, ValueError) as error:
            trouble = f"is torn or cannot be read ({_first(error)})"
        if trouble:
            problems.append(f"{file} {trouble}; evaluate.py writes it anew")
        else:
            suites[file.name.removesuffix(".json")] = tree
    return suites, problems


def wrong(tree: Any) -> str | None:
    """Why a tree is no result that a chapter could read; None where it is one."""
    if not isinstance(tree, dict):
        return "holds no results"
    if tree.get("format", RESULTS) != RESULTS:
        return f"has format {tree['format']}, this version reads {RESULTS}"
    for part in (tree, *tree.get("others", {}).values()) if "tasks" in tree else ():
        for name, entry in {**part["tasks"], **part.get("groups", {})}.items():
            if "share" not in entry or "value" not in entry.get(entry.get("headline"), {}):
                return f"is no whole result: {name} has no headline"
    if "judges" in tree and tree.get("judged_by") not in tree["judges"]:
        return "is no whole result: nobody judged"
    return None


def _first(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _model(folder: Path, suites: Mapping[str, Tree], problems: list[str]) -> Member:
    """A model that was only scored; what it is follows from the name of what was loaded."""
    name = visible(folder.resolve().name)
    told = [tree["student"] for tree in suites.values() if isinstance(tree.get("student"), dict)]
    source = str(next((one.get("source") for one in told if one.get("source")), name))
    record = {
        "student": name,
        "source": source,
        "init": "scratch" if any(one.get("scratch") for one in told) else "pretrained",
        **(facts(name) or facts(source.rstrip("/").rpartition("/")[2])),
    }
    return Member(name, Kind.model, folder, record, {}, suites, "done", tuple(problems))


def facts(name: str) -> dict[str, Any]:
    """Family, size, parameters and architecture of a checkpoint's name; {} where we do not know it.

    `flan-t5-small` is a size of conf/family; `LaMini-GPT-124M` is one of the paper's.
    """
    return _known().get(name.lower(), {})


@lru_cache
def _known() -> dict[str, dict[str, Any]]:
    """Last part of a hub id, in lower case -> its facts."""
    found: dict[str, dict[str, Any]] = {}
    for member, model in zip(published.members(), paper.published(), strict=True):
        keys = ("family", "size", "parameters", "architecture")
        found[model.hub.lower()] = {key: member.record[key] for key in keys}
    for file in sorted((CONF / "family").glob("*.yaml")):
        family = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        for size, told in family["sizes"].items():
            if told["checkpoint"]:
                found[told["checkpoint"].rpartition("/")[2].lower()] = {
                    "family": family["name"], "size": str(size), "parameters": told["parameters"],
                    "architecture": _architecture(family["_target_"]),
                }  # fmt: skip
    return found


def _architecture(target: str) -> str:
    """`lamini.students.decoder_only.DecoderOnly` -> decoder-only."""
    return target.split(".")[-2].replace("_", "-")
