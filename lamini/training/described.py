"""A run as a tracker's table shows it: name, group, tags, config and summary, so that it compares a herd.

The columns are those of run.json, under the same names; below them stands what of the configuration changes
the result. Paths, the logger and the other sizes of a family would be columns without a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FACTS = ("student", "family", "size", "architecture", "init", "parameters", "trained_parameters")
ABOUT_THE_START = ("mode", "force", "logger", "paths", "family", "size", "architecture")
NUMBERS = (
    "steps", "epochs", "response_tokens", "response_tokens_per_second", "train_loss", "validation_loss",
    "validation_bits_per_byte", "padding_share", "mfu", "peak_memory_gib", "seconds",
)  # fmt: skip


def described(tree: Mapping[str, Any], record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Id, name, group, tags and config of the tracked run; its attempts share the id and become one.

    Args:
        tree: config.yaml.
        record: run.json, with parameters and data.
        name: of the run folder.
    """
    scratch = " (scratch)" if record["init"] == "scratch" else ""
    rehearsal = ["rehearsal"] if record.get("rehearsal") else []
    return {
        "id": record["wandb_id"],
        "name": f"{name}{scratch}",
        "group": tree["name"],
        "tags": [record["family"], record["size"], record["init"], *rehearsal],
        "config": columns(tree, record),
    }


def columns(tree: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a tracked run from config.yaml and run.json: facts first, then what changes the result.

    `family` is the name, so that a table groups by it: {family: t5, size: nano, ..., batch_size: 1024,
    optimizer: {lr: 0.0005}, student_facts: {wrapper: bare, ...}, data_facts: {fingerprint: ..., pairs: ...}}.
    """
    family = dict(tree["family"])
    size = family.pop("sizes").get(tree["size"]["name"]) or {}
    fields = {**family.pop("architecture"), **size.get("architecture", {}), **tree["architecture"]}
    return {
        **{name: record.get(name) for name in FACTS},
        **{name: value for name, value in tree.items() if name not in ABOUT_THE_START},
        "student_facts": {**family, "checkpoint": size.get("checkpoint"), "architecture": fields},
        "data_facts": record.get("data"),
        "config_hash": record.get("provenance", {}).get("config_hash"),
    }


def summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """The last numbers of run.json as columns; what is not known is no column.

    `{"validation_loss": 1.2, "mfu": None, "held_out": {"new_kinds": {"student": 0.5}}}` gives
    `{"status": ..., "validation_loss": 1.2, "exact_match/new_kinds": 0.5}`.
    """
    found = {name: record.get(name) for name in ("status", "error", "parameters", *NUMBERS)}
    for axis, scores in (record.get("held_out") or {}).items():
        found[f"exact_match/{axis}"] = scores.get("student")
    return {name: value for name, value in found.items() if value is not None}
