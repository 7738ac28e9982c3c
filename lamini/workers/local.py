"""Workers in processes of this machine, forked from a server that has the heavy imports loaded.

Workers take the GPUs in turn, and each uses its share of the cores: two that use all of them are slower than
one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from lamini.children import STOPPING, cores, hear, server
from lamini.launching.machine import shown, visible
from lamini.provenance import gpus
from lamini.workers.member import serve

PATIENCE = 5.0  # seconds that a worker has to end once it is told


class LocalCrew:
    """Child processes of this one; `gpus` as CUDA numbers them, None: those that can be seen."""

    where = "in processes of this machine"

    def __init__(self, workers: int, preload: Sequence[str], gpus: Sequence[int] | None = None) -> None:
        self.workers, self.preload, self.gpus = workers, list(preload), _gpus(gpus)
        self.processes: dict[int, BaseProcess] = {}

    def start(self, folder: Path, members: Sequence[int], badge: str) -> None:
        """See `Crew`."""
        context = server(self.preload)
        for member in members:
            gpu = self.gpus[member % len(self.gpus)] if self.gpus else None
            share = max(1, cores() // self.workers)
            process = context.Process(target=_begin, args=(folder, member, badge, gpu, share))
            process.start()
            self.processes[member] = process

    def ended(self) -> dict[int, str]:
        """See `Crew`."""
        found = {}
        for member, process in list(self.processes.items()):
            if not process.is_alive():
                code = process.exitcode or 0
                found[member] = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
                del self.processes[member]
        return found

    def members(self) -> set[int]:
        """See `Crew`."""
        return set(self.processes)

    def end(self) -> None:
        """See `Crew`."""
        for process in self.processes.values():
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
        self.processes.clear()


def _gpus(named: Sequence[int] | None) -> list[str]:
    """GPUs as CUDA_VISIBLE_DEVICES of the workers names them."""
    if named is None:
        names = shown()
        named = range(len(gpus() if names is None else names))
    return [visible(number) for number in named]


def _begin(folder: Path, member: int, badge: str, gpu: str | None, share: int) -> None:
    """What a child does: hears signals, sees its GPU and its share of the cores, and works."""
    os.setpgrp()
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)
    hear()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    _use(share)
    try:
        serve(folder, member, badge)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _use(threads: int) -> None:
    """So many threads, whether torch is imported already (by the server) or will be."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    if "torch" in sys.modules and os.environ["OMP_NUM_THREADS"] == str(threads):
        import torch

        torch.set_num_threads(threads)
