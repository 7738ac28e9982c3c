"""What the simulation says beside the model: herds in several weathers, and intervals between checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from checkpoints import Job, best_interval, duration, expected, young
from constants import Constants
from model import HOUR, Facts, training
from speed import alone
from trials import trial, weather

MINUTES = (5, 15, 30, 60, 120, 240, 480)

Numbers = dict[str, Any]
Interval = Callable[[Job], float]


def simulated(facts: Facts, gpus: int, several: bool, runs: int) -> Numbers:
    """Training in the constants' weather, without notice, with a lost machine, and with worse weather."""
    c, herd = facts.c, training(facts, gpus, several)
    sky = weather(c)
    skies = {
        "told": sky,
        "no notice": replace(sky, notice=0.0),
        "ten times": replace(sky, preemption=10 * sky.preemption),
        "no stragglers": replace(sky, straggling=0.0),
        "slow queue": replace(sky, queue=30 * sky.queue),
    }
    found = {name: asdict(trial(herd, gpus, c, each, runs)) for name, each in skies.items()}
    found["lost"] = asdict(trial(herd, gpus, c, sky, runs, lost=True))
    return {"gpus": gpus, "several": several, **found}


def intervals(facts: Facts, runs: int) -> list[Numbers]:
    """What checkpoints and interruptions add to the herd's GPU time, by interval between checkpoints.

    Each student alone on the fewest GPUs that hold it, by the model and simulated, at the constants' rate of
    interruptions and ten times that.
    """
    c = facts.c
    herd = [alone(student, c) for student in facts.students]
    bare = sum(duration(replace(each, write=0.0)) for each in herd)
    often = dict(c) | {"preemptions_per_hour": 10 * c["preemptions_per_hour"]}
    found = []
    for name, interval in _named(c).items():
        saving = [replace(each, interval=interval(each)) for each in herd]
        found.append({
            "interval": name,
            "model": _expected(saving, c) / bare - 1,
            "simulated": _simulated(saving, c, False, runs) / bare - 1,
            "notice": _simulated(saving, c, True, runs) / bare - 1,
            "model_often": _expected(saving, often) / bare - 1,
            "simulated_often": _simulated(saving, often, False, runs) / bare - 1,
        })  # fmt: skip
    return found


def _named(c: Constants) -> dict[str, Interval]:
    """Intervals that a user may choose."""
    rate, queue = c["preemptions_per_hour"] / HOUR, c["requeue_seconds"]

    def fixed(minutes: int) -> Interval:
        return lambda each: 60.0 * minutes

    return {f"{minutes} min": fixed(minutes) for minutes in MINUTES} | {
        "default: ten a run": lambda each: each.interval,
        "Young's, each student its own": lambda each: young(each, rate),
        "best, each student its own": lambda each: best_interval(each, rate, queue),
    }


def _expected(herd: list[Job], c: Constants) -> float:
    sky = weather(c)
    return sum(expected(each, sky.preemption, sky.queue) for each in herd)


def _simulated(herd: list[Job], c: Constants, notice: bool, runs: int) -> float:
    """Mean seconds of all; seeds of their own, else all would be unlucky together."""
    sky = replace(weather(c, notice), straggling=0.0)
    means = [
        trial([each], each.gpus, c, sky, runs, first=number * runs).mean for number, each in enumerate(herd)
    ]
    return HOUR * sum(means)
