"""One student on several devices of this machine: a process for each, started here and not by Lightning.

Lightning's launchers run the script anew (which knows nothing of Hydra's folder) or fork a process that may
have touched CUDA, and lose what the callbacks counted. Here every rank simply runs the same function; the
first speaks and writes for all. Where torchrun or srun has started the ranks, nobody is started here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from multiprocessing import forkserver
from types import FrameType
from typing import Any

from pytorch_lightning.plugins.environments import LightningEnvironment
from torch.multiprocessing.spawn import ProcessContext, ProcessExitedException, start_processes

from lamini.children import deaf, hear
from lamini.training.world import World, told

PATIENCE = 30.0  # seconds the other ranks have to end by themselves once one has failed


class Environment(LightningEnvironment):
    """Where Lightning reads the place of a rank: the variables of lamini/training/world.py."""

    def teardown(self) -> None:
        """Leave them: Lightning's own forgets WORLD_SIZE when it has trained."""


def on_all(devices: int, function: Callable[..., object], *arguments: Any) -> int:
    """Call `function(rank, *arguments)` in a process per rank; 0, or the exit status of one that failed.

    Signals to this process reach the ranks; when one rank fails, the others are ended.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(["lamini.training.fit"])
    everything = (devices, _free_port(), function, arguments)
    with deaf():
        forkserver.ensure_running()
    ranks = start_processes(_rank, everything, nprocs=devices, join=False, start_method="forkserver")
    assert isinstance(ranks, ProcessContext)

    def pass_on(number: int, frame: FrameType | None) -> None:
        for process in ranks.processes:
            if process.is_alive() and process.pid:
                os.kill(process.pid, number)

    # A Ctrl-C reaches the ranks from the terminal too: as SIGTERM it does not count as the second one.
    old = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGUSR1)}
    old[signal.SIGINT] = signal.signal(signal.SIGINT, lambda _, frame: pass_on(signal.SIGTERM, frame))
    try:
        while not ranks.join(grace_period=PATIENCE):
            pass
    except ProcessExitedException as error:
        return int(error.exit_code)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
    return 0


def _rank(rank: int, devices: int, port: int, function: Callable[..., object], arguments: Any) -> None:
    """One rank: what Lightning's environment reads, then the function."""
    os.environ |= told(World(rank, devices, rank, devices))
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)  # both until the student listens
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hear()
    function(rank, *arguments)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
