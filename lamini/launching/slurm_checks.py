"""What a cluster would refuse, said before anything is submitted."""

from __future__ import annotations

from typing import Any

from lamini.errors import UserError
from lamini.launching.slurm_commands import Partition, ask, gpus_in, partitions
from lamini.launching.submitting import script


def check(options: dict[str, Any]) -> None:
    """Raise UserError for what the keys of hydra.launcher ask for and this cluster does not have.

    Limits that a person would look up are named with their number; of the rest (accounts, qualities of
    service, constraints) `sbatch --test-only` knows, which queues nothing.
    """
    for key in ("nodes", "tasks_per_node"):
        if options[key] != 1:
            raise UserError(
                f"hydra.launcher.{key}={options[key]}: each job is one process; a student on several GPUs is"
                " a job of its own (experiments/large-student/job.sbatch)"
            )
    known = partitions()
    chosen = _chosen(options, known)
    if chosen:
        _check_limits(options, chosen)
    ask("sbatch", "--test-only", given=script(options))


def _chosen(options: dict[str, Any], known: list[Partition]) -> list[Partition]:
    """The partitions a job may run in."""
    if options["partition"] is None:
        return [each for each in known if each.default]
    names = str(options["partition"]).split(",")
    for name in names:
        if name not in {each.name for each in known}:
            there = " ".join(each.name for each in known)
            raise UserError(
                f"hydra.launcher.partition={name} is no partition of this cluster; there are: {there}"
            )
    return [each for each in known if each.name in names]


def _check_limits(options: dict[str, Any], chosen: list[Partition]) -> None:
    names = " and ".join(each.name for each in chosen)
    gpus = _gpus(options)
    most = max(each.gpus for each in chosen)
    for key, asked in gpus.items():
        if asked > most:
            raise UserError(
                f"{key} asks for {asked} GPU(s) a node; the richest of partition {names} has {most or 'none'}"
            )
    if most and not gpus:
        print(f"note: {names} has GPUs and hydra.launcher asks for none; gpus_per_node=1 gives each job one")
    limits = [each.minutes for each in chosen]
    longest = None if None in limits else max(limit or 0 for limit in limits)
    if longest is not None and options["timeout_min"] > longest:
        raise UserError(
            f"hydra.launcher.timeout_min={options['timeout_min']} is more than partition {names} allows;"
            f" set it to {longest} minutes or less: a student that needs longer saves, is queued again and"
            " continues"
        )


def _gpus(options: dict[str, Any]) -> dict[str, int]:
    """GPUs a node by the key that asks for them."""
    asked = {
        "gpus_per_node": options["gpus_per_node"] or 0,
        "gpus_per_task": (options["gpus_per_task"] or 0) * options["tasks_per_node"],
        "gres": gpus_in(options["gres"] or ""),
    }
    return {f"hydra.launcher.{key}={options[key]}": count for key, count in asked.items() if count}
