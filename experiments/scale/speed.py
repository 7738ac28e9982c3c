"""How long a student trains on g GPUs, and is scored on one.

A step of 1,024 pairs takes its operations over (g GPUs x peak x share), but never less than launching its
kernels and reading its weights, plus the exchange of gradients. The share of the peak (MFU) was measured
for two students of each architecture; between and beyond them 1/MFU = a + b/width: products grow with the
square of the width, what moves memory only grows with it. A student whose state takes more than half of the
memory computes its activations twice. Exchange: a ring moves 2 (g - 1) / g of the gradients, over NVLink
within a machine and over all cards of a machine beyond; what sharding gathers again is not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from checkpoints import Job
from constants import Constants
from herd import Student

ANCHORS = {  # measured: width -> constant
    True: ((768, "mfu_flan_t5_base"), (1024, "mfu_flan_t5_large")),
    False: ((1024, "mfu_gpt2_medium"), (1600, "mfu_gpt2_xl")),
}
USABLE = 0.9  # of a GPU's memory
READS = 6  # bytes a weight: in bf16, once forward and twice backward


@dataclass(frozen=True)
class Step:
    """Seconds of one optimizer step, by what they are for."""

    compute: float
    least: float  # to launch its kernels and read its weights, however few its tokens
    exchange: float

    @property
    def seconds(self) -> float:
        """Computing, but not less than the least; and then the exchange."""
        return max(self.compute, self.least) + self.exchange

    @property
    def parts(self) -> dict[str, float]:
        """What its seconds go to."""
        found = {"computing": self.compute, "exchange of gradients": self.exchange}
        if self.least > self.compute:
            found = {"kernels and weights": self.least, "exchange of gradients": self.exchange}
        return found


def mfu(student: Student, c: Constants) -> float:
    """Share of the peak that training reaches on one GPU, without recomputation."""
    (narrow, first), (wide, second) = ANCHORS[student.encoder_decoder]
    if student.width == narrow:
        return c[first]
    slope = max(0.0, 1 / c[first] - 1 / c[second]) / (1 / narrow - 1 / wide)  # wider is never slower
    return 1 / (1 / c[second] + slope * (1 / student.width - 1 / wide))


def least_gpus(student: Student, c: Constants) -> int:
    """GPUs that hold its weights, gradients and optimizer state, sharded."""
    return math.ceil(student.parameters * c["state_bytes"] / (USABLE * c["gpu_memory_bytes"]))


def step(student: Student, gpus: int, c: Constants) -> Step:
    """One optimizer step on `gpus`."""
    state = student.parameters * c["state_bytes"] / gpus
    again = c["recomputation"] if state > c["gpu_memory_bytes"] / 2 else 1.0
    operations = c["step_pairs"] * student.operations * again
    bandwidth = c["nvlink_bytes_per_second"]
    if gpus > c["gpus_per_machine"]:
        bandwidth = min(bandwidth, c["cards_per_machine"] * c["card_bytes_per_second"])
    return Step(
        compute=operations / (gpus * c["gpu_peak"] * mfu(student, c)),
        least=student.layers * c["launch_seconds"]
        + READS * student.parameters / c["gpu_memory_bytes_per_second"],
        exchange=2 * (gpus - 1) / gpus * student.parameters * c["gradient_bytes"] / bandwidth,
    )


def steps(student: Student, c: Constants) -> float:
    """Optimizer steps of its recipe."""
    return c["short_steps"] if student.short else math.ceil(c["pairs"] / c["step_pairs"]) * c["epochs"]


def job(student: Student, gpus: int, c: Constants) -> Job:
    """Its training as a launcher sees it."""
    gb = student.parameters / 1e9
    write = gb * c["checkpoint_bytes"] * c["write_seconds_per_gb"]
    weights = gb * c["export_bytes"] * c["read_seconds_per_gb"]
    work = steps(student, c) * step(student, gpus, c).seconds
    return Job(
        name=student.name,
        gpus=gpus,
        work=work,
        start=c["launch_per_student_seconds"] + c["start_seconds"] + weights + c["compile_seconds"],
        write=write,
        read=gb * c["checkpoint_bytes"] * c["read_seconds_per_gb"],
        final=write + gb * c["export_bytes"] * c["write_seconds_per_gb"],
        interval=work / c["saves_a_run"],
    )


def alone(student: Student, c: Constants) -> Job:
    """Its training on the fewest GPUs that hold it."""
    return job(student, least_gpus(student, c), c)


def scoring(student: Student, positions: float, c: Constants) -> float:
    """Seconds of scoring so many positions on one GPU: a forward pass is a third of training's operations."""
    operations = positions * student.operations / student.positions / 3
    start = c["start_seconds"] + student.parameters / 1e9 * c["export_bytes"] * c["read_seconds_per_gb"]
    return start + operations / (c["gpu_peak"] * c["evaluation_share"] * mfu(student, c))
