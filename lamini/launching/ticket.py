"""What a line leaves in its folder before it sends work away, and what a worker must find there.

A worker on another machine may see another folder under the same name, or hold another version of torch:
its student would be lost, or not be the one that was asked for. So the line writes `.line-<id>.json`, the id
and the driver's host travel with the work, and a worker begins only where it finds the file and its own
versions in it.
"""

from __future__ import annotations

import json
import platform
import secrets
import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import lamini
from lamini.errors import UserError
from lamini.provenance import git_state
from lamini.runs import write_atomically

VARIABLE = "LAMINI_LINE"  # `<id>@<host of the driver>` in the environment of a worker
COMPARED = ("torch", "transformers", "pytorch-lightning", "numpy")


@dataclass(frozen=True)
class Ticket:
    """One line's work that is away: `jobs` are the names of its run folders (or units), in their order."""

    id: str
    host: str
    launcher: str
    versions: dict[str, str]
    jobs: list[str]

    @property
    def badge(self) -> str:
        """What travels with the work."""
        return f"{self.id}@{self.host}"

    def path(self, folder: Path) -> Path:
        """Its file in the line's folder."""
        return folder / f".line-{self.id}.json"


def issue(folder: Path, launcher: str, jobs: Sequence[str]) -> Ticket:
    """Write a new ticket into `folder`, which has to be shared with the workers.

    Raises:
        UserError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ticket = Ticket(secrets.token_hex(4), socket.gethostname(), launcher, versions(), list(jobs))
    write_atomically(ticket.path(folder), json.dumps(asdict(ticket), indent=2) + "\n")
    return ticket


def admit(folder: Path, badge: str) -> Ticket:
    """The ticket a worker was sent with.

    Raises:
        UserError: the folder here is not the driver's, or the versions differ; names both machines.
    """
    number, _, driver = badge.partition("@")
    here = socket.gethostname()
    try:
        told = json.loads((folder / f".line-{number}.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{folder.absolute()} on {here} is not the folder that {driver} writes: both must share it;"
            " set paths.output_dir to a shared folder"
        ) from error
    ticket = Ticket(**told)
    if different := differing(ticket.versions, versions()):
        raise UserError(f"{here} runs other versions than {driver}: {different}; install the same on both")
    return ticket


def tickets(folder: Path) -> Iterator[Ticket]:
    """Those that lines have left in `folder`."""
    for file in sorted(folder.glob(".line-*.json")):
        yield Ticket(**json.loads(file.read_text(encoding="utf-8")))


def versions() -> dict[str, str]:
    """What decides the numbers of a student; a missing package or commit is `none`."""
    found = {"lamini": lamini.__version__, "python": platform.python_version()}
    for name in COMPARED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return {**found, "commit": git_state(Path(__file__).resolve())["git_commit"] or "none"}


def differing(driver: dict[str, str], worker: dict[str, str]) -> str:
    """`torch 2.9 there, 2.8 here`, for every version that differs."""
    names = [name for name in {**driver, **worker} if driver.get(name) != worker.get(name)]
    return ", ".join(f"{name} {driver.get(name)} there, {worker.get(name)} here" for name in names)
