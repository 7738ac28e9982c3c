"""Two hosts on this machine: each with a network, a name and mounts of its own, and one folder they share.

No tests of its own. Namespaces of the kernel, held by a process each; they vanish with it. The shared folder
is bind-mounted into both; what they hold is one kernel, so that this says nothing about NFS's own locks.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPACES = ("--net", "--uts", "--mount", "--pid")
SETUP = """
hostname {name}
ip link set lo up
mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray
{mount}
echo ready
exec sleep infinity
"""


def obstacle() -> str | None:
    """Why there can be no hosts here; None where there can."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "no unshare (util-linux) or no ip (iproute2)"
    words = ["unshare", *SPACES, "--fork", "sh", "-c", "hostname x && mount -t tmpfs none /mnt && ip link"]
    tried = subprocess.run(words, capture_output=True, text=True)
    return f"no namespaces: {tried.stderr.strip()}" if tried.returncode else None


class Host:
    """One of them; `command` is how something is run on it."""

    def __init__(self, name: str, address: str, holder: int) -> None:
        self.name, self.address, self.holder = name, address, holder

    def command(self, *words: str) -> list[str]:
        return ["nsenter", "--target", str(self.holder), *SPACES, f"--wd={os.getcwd()}", *words]

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Run something, as the leader of a process group."""
        return subprocess.Popen(
            self.command(*words), env={**os.environ, **environment}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def tell(process: subprocess.Popen[str], number: int) -> None:
    """A signal for what was started on a host: nsenter itself would die of it, and passes none on."""
    os.kill(_first_child(process.pid), number)


@contextmanager
def hosts(shared: Path, place: Path, *, alone: bool = False) -> Iterator[tuple[Host, Host]]:
    """Two hosts that see the folder `shared` as `place`; `alone`: the second has one of its own."""
    place.mkdir(parents=True, exist_ok=True)
    shared.mkdir(parents=True, exist_ok=True)
    bind, own = f"mount --bind '{shared}' '{place}'", f"mount -t tmpfs none '{place}'"
    link = f"v{secrets.token_hex(4)}"
    holders = [_held("host-a", bind), _held("host-b", own if alone else bind)]
    try:
        found = [
            Host(f"host-{letter}", f"10.77.0.{number}", _first_child(holder.pid))
            for number, (letter, holder) in enumerate(zip("ab", holders, strict=True), 1)
        ]
        ends = [str(host.holder) for host in found]
        pair = ("type", "veth", "peer", "name", f"{link}b", "netns", ends[1])
        subprocess.run(["ip", "link", "add", f"{link}a", "netns", ends[0], *pair], check=True)
        for host, name in zip(found, (f"{link}a", f"{link}b"), strict=True):
            address = ("ip", "address", "add", f"{host.address}/24", "dev", name)
            subprocess.run(host.command(*address), check=True)
            subprocess.run(host.command("ip", "link", "set", name, "up"), check=True)
        yield found[0], found[1]
    finally:
        for holder in holders:  # and with it, whatever runs on that host
            holder.kill()
            holder.communicate()


def _held(name: str, mount: str) -> subprocess.Popen[str]:
    script = SETUP.format(name=name, mount=mount)
    words = ["unshare", *SPACES, "--fork", "--kill-child", "--mount-proc", "sh", "-ec", script]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def _first_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
