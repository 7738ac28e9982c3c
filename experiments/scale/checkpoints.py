"""What interruptions cost a student, exactly, and the interval between checkpoints that costs least.

Interruptions come at random, `rate` a second while the student holds its GPUs (exponential times). One costs
what was done since the last checkpoint, the time in the queue, the start and the reading of the checkpoint.
The expected time of a segment that needs x seconds in one go, where a start takes r, the queue d and the rate
is l, is

    (e^(l x) - 1) e^(l r) (1/l + d)

(Daly 2006, "A higher order estimate of the optimum checkpoint interval", with d beside it). Young's
rule for the best interval, sqrt(2 w / l) for writes of w seconds (1974), is its first order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

NEVER = math.inf
ROUNDING = 1e-9  # of an interval: work cut into equal parts must not leave a crumb


@dataclass(frozen=True)
class Job:
    """A student as a launcher sees it. All times in seconds.

    `work` is training alone, on `gpus`, with a checkpoint every `interval` of it; `start` is from the launch
    to the first step; `read` comes with every start but the first; `final` is the last checkpoint and the
    export.
    """

    name: str
    gpus: int
    work: float
    start: float = 0.0
    write: float = 0.0
    read: float = 0.0
    final: float = 0.0
    interval: float = NEVER


def writes(work: float, interval: float) -> int:
    """Checkpoints before the last one: 10 s of work every 4 s make two, every 5 s one, every 10 s none."""
    return max(0, math.ceil(work / interval - ROUNDING) - 1)


def duration(job: Job, done: float = 0.0, slow: float = 1.0) -> float:
    """Seconds from launch to end, uninterrupted, from `done` seconds of work on, `slow` times slower."""
    left = job.work - done
    training = left * slow + writes(left, job.interval) * job.write
    return job.start + (job.read if done else 0.0) + training + job.final


def kept(job: Job, elapsed: float, done: float = 0.0, slow: float = 1.0) -> float:
    """Seconds of work on the disk when a launch that began with `done` is cut off after `elapsed`."""
    seconds = elapsed - job.start - (job.read if done else 0.0)
    if job.interval == NEVER or seconds <= 0:
        return done
    whole = math.floor(seconds / (job.interval * slow + job.write))
    return done + min(whole, writes(job.work - done, job.interval)) * job.interval


def trained(job: Job, elapsed: float, done: float = 0.0, slow: float = 1.0) -> float:
    """Seconds of work that are done by then, on the disk or not."""
    seconds = elapsed - job.start - (job.read if done else 0.0)
    if seconds <= 0:
        return done
    if job.interval == NEVER:
        return min(job.work, done + seconds / slow)
    whole, beyond = divmod(seconds, job.interval * slow + job.write)
    return min(job.work, done + whole * job.interval + min(beyond / slow, job.interval))


def segments(job: Job) -> Iterator[tuple[float, float]]:
    """(seconds to get through in one go, seconds of a start before them) of each part between checkpoints."""
    before = writes(job.work, job.interval)
    for part in range(before):
        yield job.interval + job.write, job.start + (job.read if part else 0.0)
    left = job.work - before * job.interval if before else job.work
    yield left + job.final, job.start + (job.read if before else 0.0)


def expected(job: Job, rate: float, queue: float) -> float:
    """Expected seconds from the first launch to the end, time in the queue included."""
    if rate == 0:
        return duration(job)
    total = 0.0
    for part, (seconds, start) in enumerate(segments(job)):
        needed = seconds + (0.0 if part else start)  # the first launch is part of the first segment
        again = start if part else 0.0
        total += math.expm1(rate * needed) * math.exp(rate * again) * (1 / rate + queue)
    return total


def young(job: Job, rate: float) -> float:
    """Young's interval in seconds."""
    return math.sqrt(2 * job.write / rate) if rate else NEVER


def best_interval(job: Job, rate: float, queue: float) -> float:
    """The interval of the least expected time, among those that cut the work into equal parts.

    Time falls and then rises with the number of parts, so the search halves the range.
    """
    if rate == 0:
        return NEVER

    def falls(parts: int) -> bool:
        """Whether one part more takes less time."""
        few, more = (replace(job, interval=job.work / count) for count in (parts, parts + 1))
        return expected(more, rate, queue) < expected(few, rate, queue)

    few, many = 1, 1
    while falls(many):
        few, many = many + 1, 2 * many
    while few < many:
        middle = (few + many) // 2
        few, many = (middle + 1, many) if falls(middle) else (few, middle)
    return job.work / many
