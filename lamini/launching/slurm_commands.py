"""What SLURM's own commands say: partitions with their limits, and the tasks of ours that have not ended."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from lamini.errors import UserError
from lamini.launching.ticket import Ticket

PATIENCE = 30.0  # seconds a command may take
UNREACHABLE = "; start the line on a machine of a running cluster, or use hydra/launcher=local"


@dataclass(frozen=True)
class Partition:
    """One partition: `minutes` a job may take (None: any), `gpus` of its richest node."""

    name: str
    default: bool
    minutes: int | None
    gpus: int


@dataclass(frozen=True)
class Task:
    """One of our tasks in the queue: `12_0`, RUNNING on n1, or PENDING for a reason."""

    id: str
    state: str
    node: str
    reason: str

    def __str__(self) -> str:
        where = f" on {self.node}" if self.node else f" ({self.reason})" if self.reason != "None" else ""
        return f"{self.state.lower()}{where}"


def ask(*command: str, given: str | None = None) -> str:
    """What a command of SLURM's prints; `given` is its standard input.

    Raises:
        UserError: it is not installed, the controller does not answer, or it refuses.
    """
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=PATIENCE)
    except FileNotFoundError as error:
        raise UserError(
            f"hydra/launcher=slurm: there is no {command[0]} on PATH; start the line on a machine of the"
            " cluster, or use hydra/launcher=local"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"hydra/launcher=slurm: {command[0]} does not answer within {PATIENCE:.0f} s"
        ) from error
    if done.returncode:
        hint = UNREACHABLE if command[0] == "sinfo" else ""
        raise UserError(f"hydra/launcher=slurm: {command[0]}: {_last(done.stderr)}{hint}")
    return done.stdout


def _last(text: str) -> str:
    """The last complaint without the name of the command."""
    lines = [line for line in text.splitlines() if line.strip()] or ["SLURM refused without a word"]
    return re.sub(r"^(\w+: )*(error|fatal): ", "", lines[-1])


def partitions() -> list[Partition]:
    """Those that this user sees."""
    found: dict[str, Partition] = {}
    for line in ask("sinfo", "--noheader", "--format=%P|%l|%G").splitlines():
        name, limit, resources = (field.strip() for field in line.split("|"))
        default, name = name.endswith("*"), name.rstrip("*")
        gpus = max(gpus_in(resources), found[name].gpus if name in found else 0)
        found[name] = Partition(name, default, minutes(limit), gpus)
    return list(found.values())


def gpus_in(resources: str) -> int:
    """GPUs in a list of generic resources: `gpu:a100:4(S:0-1),gpu:2,shard:8` -> 6."""
    return sum(int(found) for found in re.findall(r"(?:^|,)gpu(?::[^:,(]*[^\d:,(][^:,(]*)?:(\d+)", resources))


def minutes(limit: str) -> int | None:
    """`1-12:00:00` -> 2160; `30:00` -> 30; None where there is no limit."""
    found = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", limit)
    if not found:
        return None
    days, hours, rest, _ = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + rest


def queued(tickets: Iterable[Ticket]) -> dict[tuple[str, int], Task]:
    """What of the tickets' jobs waits or runs: (id of the ticket, place in its jobs) -> task.

    A job's name ends in the id of its ticket, which was written before it was submitted: so a line finds
    what an earlier one has queued, wherever that was killed.
    """
    wanted = {ticket.id for ticket in tickets}
    if not wanted:
        return {}
    found = {}
    told = ask("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%N|%r|%j")
    for line in told.splitlines():
        number, state, node, reason, name = (field.strip() for field in line.split("|", 4))
        ticket = name.rpartition("-")[2]
        if ticket in wanted:
            found[ticket, int(number.partition("_")[2] or 0)] = Task(number, state, node, reason)
    return found
