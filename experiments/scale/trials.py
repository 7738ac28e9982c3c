"""Many seeds of the same herd on the same cluster, beside what the model expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, quantiles

from checkpoints import Job, expected
from constants import Constants
from model import HOUR
from schedule import makespan
from simulation import Weather, simulate


@dataclass(frozen=True)
class Trial:
    """What many seeds of one herd on one cluster gave, in hours."""

    still: float  # the model without chance, which is the simulation without chance
    still_held: float  # GPU hours of that
    model: float  # the model with expected times
    mean: float
    p95: float
    held: float  # GPU hours, mean
    repeated: float  # GPU hours of training done again, mean
    interruptions: float  # mean


def weather(c: Constants, notice: bool = True) -> Weather:
    """What goes wrong by the constants, without a lost machine."""
    return Weather(
        preemption=c["preemptions_per_hour"] / HOUR,
        notice=c["notice_seconds"] if notice else 0.0,
        queue=c["requeue_seconds"],
        straggling=c["straggling_machines"],
        slowness=c["straggler_factor"],
    )


def trial(
    jobs: Sequence[Job], gpus: int, c: Constants, sky: Weather, runs: int, lost: bool = False, first: int = 0
) -> Trial:
    """`runs` seeds from `first`; with `lost`, one machine is lost, at times spread evenly over the herd's."""
    size = int(c["gpus_per_machine"])
    calm = simulate(jobs, gpus, size)
    outcomes = []
    for seed in range(first, first + runs):
        here = sky
        if lost:
            when = calm.makespan * (seed - first + 0.5) / runs
            here = replace(sky, lost_at=when, lost_for=c["lost_for_hours"] * HOUR)
        outcomes.append(simulate(jobs, gpus, size, here, seed))
    spans = [each.makespan / HOUR for each in outcomes]
    return Trial(
        still=calm.makespan / HOUR,
        still_held=calm.held / HOUR,
        model=expected_makespan(jobs, gpus, sky, size) / HOUR,
        mean=fmean(spans),
        p95=quantiles(spans, n=20)[-1] if runs > 1 else spans[0],
        held=fmean(each.held for each in outcomes) / HOUR,
        repeated=fmean(each.repeated for each in outcomes) / HOUR,
        interruptions=fmean(each.interruptions for each in outcomes),
    )


def expected_makespan(jobs: Sequence[Job], gpus: int, sky: Weather, per_machine: int) -> float:
    """List scheduling of expected times: what the model says of an uncertain herd.

    Interruptions are taken as without notice; a student is slower by what stragglers cost on average.
    """
    return makespan([(job.gpus, expected_seconds(job, sky, per_machine)) for job in jobs], gpus)


def expected_seconds(job: Job, sky: Weather, per_machine: int) -> float:
    """Expected time of one student on as few machines as hold it."""
    machines = -(-job.gpus // per_machine)
    slow = 1 + (sky.slowness - 1) * (1 - (1 - sky.straggling) ** machines)
    slower = replace(job, work=job.work * slow, interval=job.interval * slow)
    return expected(slower, sky.preemption * machines, sky.queue)
