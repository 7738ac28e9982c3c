"""The Ray cluster of a line: found or started before anything else, and asked whether it can do the work.

Ray reports nothing to its makers from here, and a cluster of our own hears only this machine.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lamini.children import cores
from lamini.errors import UserError
from lamini.launching.options import Ray
from lamini.launching.ticket import admit, issue
from lamini.runs import ensure_writable

PATIENCE = 5.0  # seconds for an address to answer; Ray itself would try for minutes
OWN = {"include_dashboard": False, "_node_ip_address": "127.0.0.1", "object_store_memory": 80_000_000}
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",  # two students' progress lines look alike
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # without GPUs the user's own CUDA_VISIBLE_DEVICES holds
}


def connect(launcher: Ray) -> bool:
    """Be a driver of the cluster that `hydra.launcher.ray.init` names, or of one that is started here.

    False where this process is one already.

    Raises:
        UserError: Ray is not installed, there is no cluster, or it cannot be used.
    """
    for package in ("ray", "hydra_plugins.hydra_ray_launcher"):
        if find_spec(package) is None:
            raise UserError("hydra/launcher=ray needs Ray: pip install 'lamini-herd[ray]'")
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        return False
    address = launcher.init.get("address") or os.environ.get("RAY_ADDRESS")
    own = address in (None, "local")
    given = {key: value for key, value in launcher.init.items() if value is not None}
    if own:
        given = {**OWN, "num_cpus": cores(), **given}
    else:
        _answers(str(address))
    logging.getLogger("ray").setLevel(logging.ERROR)  # that it runs, and where it wrote its token
    try:
        ray.init(logging_level=logging.ERROR, **given)
    except (ConnectionError, RuntimeError, ValueError, TypeError, OSError) as error:
        raise UserError(
            f"hydra.launcher.ray.init: {_first_sentence(error)}{'' if own else _way_out(address)}"
        ) from error
    return True


def _answers(address: str) -> None:
    """Raise UserError where nobody listens at `host:port`, or where `auto` was told a cluster runs."""
    known = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")
    if address == "auto" and not known.exists():
        return  # Ray looks for processes, and says at once that there are none
    place = known.read_text().strip() if address == "auto" else address
    host, _, port = place.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        raise UserError(f"hydra.launcher.ray.init.address={address} must be auto, local or <host>:<port>")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except OSError as error:
        where = "there" if place == address else f"at {place} any more, which {known} names"
        raise UserError(
            f"hydra.launcher.ray.init.address={address}: nobody answers {where} ({error}){_way_out(address)}"
        ) from error


def _way_out(address: object) -> str:
    return "; start a cluster with `ray start --head`, or leave the address out to have one on this machine"


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def remote_of(launcher: Ray, config: Any) -> dict[str, Any]:
    """The arguments of ray.remote for a job; a GPU each where the cluster has any, unless num_gpus says."""
    import ray

    remote = {key: value for key, value in launcher.remote.items() if value is not None}
    accelerator = getattr(getattr(config, "trainer", None), "accelerator", "auto")
    has = ray.cluster_resources().get("GPU", 0) > 0
    if "num_gpus" not in remote and has and accelerator in ("auto", "gpu", "cuda"):
        remote["num_gpus"] = 1
    return remote


def described(launcher: Ray) -> str:
    """The cluster, and what a student has of it."""
    import ray

    nodes, has = sum(node["Alive"] for node in ray.nodes()), ray.cluster_resources()
    return (
        f"Ray: {nodes} node(s) with {has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs; a student has"
        f" {launcher.threads} CPU thread(s) unless trainer.threads says otherwise"
    )


def check_room(launcher: Ray, config: Any) -> None:
    """Raise UserError where no node has what a task asks for, which Ray would wait for without end."""
    import ray

    remote = remote_of(launcher, config)
    try:
        ray.remote(**remote)(_nothing)
    except (ValueError, TypeError) as error:
        raise UserError(f"hydra.launcher.ray.remote: {_first_sentence(error)}") from error
    nodes = [node for node in ray.nodes() if node["Alive"]]
    for key, resource in (("num_cpus", "CPU"), ("num_gpus", "GPU")):
        asked = remote.get(key) or 0
        if all(node["Resources"].get(resource, 0) < asked for node in nodes):
            there = ", ".join(
                f"{node['NodeManagerHostname']}: {node['Resources'].get(resource, 0):g}" for node in nodes
            )
            raise UserError(
                f"hydra.launcher.ray.remote.{key}={asked:g}: no node of the cluster has so many;"
                f" {resource}s there are: {there}"
            )


def check_nodes(folders: Sequence[Path]) -> None:
    """Have every node look for a file in each folder, and compare its versions with ours.

    Raises:
        UserError: a folder that a node does not share, or versions that differ; names both machines.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    for folder in folders:
        ensure_writable(folder, "paths.output_dir")
        ticket = issue(folder, "ray", [])
        look = ray.remote(num_cpus=0, max_calls=1)(_admitted)
        try:
            asked = [
                look.options(
                    scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                ).remote(str(folder.absolute()), ticket.badge)
                for node in ray.nodes()
                if node["Alive"]
            ]
            for answer in asked:
                if problem := ray.get(answer):
                    raise UserError(problem)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", error)
            raise UserError(
                f"a node of the Ray cluster cannot run LaMini: {_first_sentence(cause)}"
            ) from error
        finally:
            ticket.path(folder).unlink(missing_ok=True)


def _admitted(folder: str, badge: str) -> str:
    """What is wrong on this node; "" where nothing is."""
    try:
        admit(Path(folder), badge)
    except UserError as error:
        return str(error)
    return ""


def _nothing() -> None:
    """No task."""
