"""A SLURM of its own on this machine: munged, slurmctld and two slurmd, own ports, own folders, any user.

    python -m tests.slurm.cluster     starts one and prints what to export; Ctrl-C stops it

Tests ask for the fixture `slurm` of tests/conftest.py, and start lines with its `environment`.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
NODES = ("n1", "n2")
PATIENCE = 30.0

CONFIGURATION = """\
ClusterName=lamini
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=15
MailProg=/bin/true
{nodes}
PartitionName=main Nodes={all} Default=YES MaxTime=60 PriorityTier=1 GraceTime=15
PartitionName=urgent Nodes={all} MaxTime=60 PriorityTier=2
"""
# cred_expire also says how long a requeued job waits: two minutes by default.


def missing() -> str:
    """Why no cluster can be started here, or nothing."""
    absent = [name for name in DAEMONS if shutil.which(name, path=PATH) is None]
    return f"not installed: {' '.join(absent)} (Debian: slurm-wlm munge)" if absent else ""


class Cluster:
    """Nodes n1 and n2 of two CPUs each; partitions main, an hour at most, and urgent, which pre-empts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": PATH}

    def start(self) -> None:
        """Start all daemons and wait until both nodes are idle."""
        self.folder.chmod(0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        self._write_configuration()
        self._start_munge()
        self._daemon("slurmctld", "slurmctld", "-D", "-c")
        for name in NODES:
            self.start_node(name)
        self.until(lambda: {*self.ask("sinfo", "-h", "-o", "%t").split()} == {"idle"})

    def start_node(self, name: str, *before: str) -> None:
        """Start the slurmd of a node, `before` it for example `unshare -m ...`."""
        self._daemon(name, *before, "slurmd", "-D", "-N", name)

    def stop_node(self, name: str, number: int = signal.SIGTERM) -> None:
        """End a node's slurmd."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(number)
        daemon.wait()

    def stop(self) -> None:
        """Cancel what runs and end all daemons."""
        with suppress(subprocess.CalledProcessError, AssertionError):
            self.ask("scancel", "--user", getpass.getuser())
            self.until(lambda: not self.ask("squeue", "-h"))
        for name in reversed([*self.daemons]):
            self.stop_node(name)

    def ask(self, *command: str) -> str:
        """What one of SLURM's commands answers."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, text=True, check=True, capture_output=True).stdout

    def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until `condition` holds; a command of SLURM's that fails meanwhile does not count."""
        end = time.monotonic() + patience
        while True:
            with suppress(subprocess.CalledProcessError):
                if condition():
                    return
            assert time.monotonic() < end, f"it never came to it: {self._logs()}"
            time.sleep(0.1)

    def _write_configuration(self) -> None:
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(1 + len(NODES))
        node = "NodeName={} NodeHostname={} NodeAddr=127.0.0.1 Port={} CoresPerSocket=2 RealMemory=4000"
        nodes = "\n".join(node.format(name, host, port) for name, port in zip(NODES, ports[1:], strict=True))
        text = CONFIGURATION.format(
            host=host, controller=ports[0], user=getpass.getuser(), folder=self.folder, nodes=nodes,
            all=",".join(NODES),
        )  # fmt: skip
        (self.folder / "slurm.conf").write_text(text)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        names = {
            "key-file": "key",
            "seed-file": "seed",
            "log-file": "log",
            "pid-file": "pid",
            "socket": "socket",
        }
        options = [f"--{option}={self.folder}/munge.{name}" for option, name in names.items()]
        self._daemon("munged", "munged", "--foreground", "--force", *options)
        self.until((self.folder / "munge.socket").exists)

    def _daemon(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as file:
            self.daemons[name] = subprocess.Popen(
                command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=file,
                stderr=file, start_new_session=True,
            )  # fmt: skip

    def _logs(self) -> str:
        files = sorted([*self.folder.glob("*.out"), *self.folder.glob("*.log")])
        return "\n".join(f"{file.name}:\n{file.read_text()[-1000:]}" for file in files)


def _free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main() -> None:
    """Start one and keep it until Ctrl-C."""
    if why := missing():
        raise SystemExit(why)
    with tempfile.TemporaryDirectory(prefix="lamini-slurm-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            print(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}", flush=True)
            signal.pthread_sigmask(signal.SIG_BLOCK, stopping := {signal.SIGINT, signal.SIGTERM})
            signal.sigwait(stopping)
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
