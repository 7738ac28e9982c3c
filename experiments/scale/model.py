"""The paper's full job on N GPUs: time, money and storage of each stage, and what holds it up first.

Stages follow each other: answers (teaching.py), preparation (curation, statistics, shards, tokens), training,
benchmarks. Training and benchmarks are scheduled as the launchers do it (schedule.py); the rest is arithmetic
over constants.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from checkpoints import Job, duration, writes
from constants import Constants
from herd import Student
from schedule import makespan, options, shares
from speed import job, least_gpus, scoring, step
from teaching import Stage, answer_dollars, answers, requests

HOUR = 3600.0
RENTED = ("training", "benchmarks")
NEAR = 1.1  # times what a student takes at its fastest: it holds up the others
COPIES = 2  # of the pairs: as answered, and as kept


@dataclass(frozen=True)
class Facts:
    """What the plan is about: the herd, the benchmarks' positions, the constants."""

    students: Sequence[Student]
    tasks: Mapping[str, float]
    c: Constants


@dataclass(frozen=True)
class Plan:
    """The whole job on `gpus`."""

    gpus: int
    stages: tuple[Stage, ...]
    jobs: tuple[Job, ...]  # of training, longest first
    gpu_hours: float  # that students hold GPUs, training and benchmarks
    teacher_dollars: float
    bytes: float

    @property
    def seconds(self) -> float:
        """From the first request to the last score."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def rented_hours(self) -> float:
        """GPU hours of a cluster that is rented while students are trained and scored, idle or not."""
        return self.gpus * sum(each.seconds for each in self.stages if each.name in RENTED) / HOUR

    @property
    def bottleneck(self) -> Stage:
        """The stage that takes longest."""
        return max(self.stages, key=lambda stage: stage.seconds)


def plan(facts: Facts, gpus: int, several: bool, teacher: str) -> Plan:
    """The job on `gpus`.

    `several`: long students may have several GPUs, as lines of their own; `teacher`: see `answers`.
    """
    jobs = training(facts, gpus, several)
    scored, hours = benchmarks(facts, gpus)
    held = sum(each.gpus * duration(each) for each in jobs) / HOUR
    asked, made = answers(facts.c, gpus, teacher), preparation(facts.c)
    return Plan(
        gpus=gpus,
        stages=(asked, made, trained(facts, jobs, gpus, several), scored),
        jobs=tuple(jobs),
        gpu_hours=held + hours,
        teacher_dollars=answer_dollars(facts.c, teacher, gpus),
        bytes=storage(facts, gpus),
    )


def seconds_of(facts: Facts) -> Callable[[Student, int], float]:
    """(student, GPUs) -> seconds of its training, uninterrupted."""
    return lambda student, gpus: duration(job(student, gpus, facts.c))


def training(facts: Facts, gpus: int, several: bool) -> list[Job]:
    """The students with the GPUs that each gets, longest first."""
    c, herd = facts.c, facts.students
    counts = [least_gpus(each, c) for each in herd]
    if several:
        counts = shares(herd, gpus, seconds_of(facts), lambda each: least_gpus(each, c))
    jobs = [job(student, count, c) for student, count in zip(herd, counts, strict=True)]
    return sorted(jobs, key=lambda each: -duration(each))


def trained(facts: Facts, jobs: Sequence[Job], gpus: int, several: bool) -> Stage:
    """The stage of training; bound by the GPUs' time, or by a student that more GPUs would not help."""
    seconds = makespan([(each.gpus, duration(each)) for each in jobs], gpus)
    most, lasts = gpus if several else 1, seconds_of(facts)
    fastest = {
        each: min(time for _, time in options(each, most, lasts, least_gpus(each, facts.c)))
        for each in facts.students
    }
    slowest = max(fastest, key=lambda student: fastest[student])
    if seconds > NEAR * fastest[slowest]:
        used = sum(each.gpus * duration(each) for each in jobs) / (gpus * seconds)
        return Stage("training", seconds, f"GPU time ({used:.0%} of it used)")
    run = next(each for each in jobs if each.name == slowest.name)
    held = f"{run.gpus} GPU{'s' * (run.gpus > 1)}"
    return Stage("training", seconds, f"{run.name} on {held}: {limit(slowest, run, facts.c)}")


def limit(student: Student, run: Job, c: Constants) -> str:
    """What most of a student's time goes to."""
    once = step(student, run.gpus, c)
    parts = {name: seconds / once.seconds * run.work for name, seconds in once.parts.items()}
    parts["writing checkpoints"] = writes(run.work, run.interval) * run.write + run.final
    parts["starting"] = run.start
    return max(parts, key=lambda name: parts[name])


def benchmarks(facts: Facts, gpus: int) -> tuple[Stage, float]:
    """The stage of scoring, and its GPU hours: whole students, or (student, task) where that ends sooner."""
    herd, tasks = facts.students, facts.tasks.values()
    whole = [scoring(each, sum(tasks), facts.c) for each in herd]
    parts = [scoring(each, positions, facts.c) for each in herd for positions in tasks]
    by_student, by_task = (
        makespan([(1, seconds) for seconds in sorted(times, reverse=True)], gpus) for times in (whole, parts)
    )
    if by_task < by_student:
        return Stage("benchmarks", by_task, "the longest task of the largest student"), sum(parts) / HOUR
    return Stage("benchmarks", by_student, "GPU time"), sum(whole) / HOUR


def preparation(c: Constants) -> Stage:
    """Duplicates, statistics, shards and a token cache for each tokenizer, in a row on two cores."""
    parts = {
        "curation": c["curation_seconds"],
        "statistics": c["analysis_seconds"],
        "shards": c["pairs"] / c["shard_rows_per_second"],
        "tokens": c["tokenizers"] * c["pairs"] / c["tokenised_rows_per_second"],
    }
    return Stage("preparation", sum(parts.values()), max(parts, key=lambda name: parts[name]))


def storage(facts: Facts, gpus: int) -> float:
    """Bytes at the worst moment: log, pairs, tokens, and what runs keep.

    Every run has its newest and its best checkpoint and its export; the largest students that can run at the
    same time have a third checkpoint, still being written.
    """
    c, herd = facts.c, facts.students
    log = requests(c) * c["log_row_bytes"]
    tokens = c["tokenizers"] * c["token_bytes"] * max(each.positions for each in herd)
    pairs = c["pairs"] * (COPIES * c["shard_row_bytes"] + tokens)
    weights = sorted((each.parameters for each in herd), reverse=True)
    kept = sum(weights) * (2 * c["checkpoint_bytes"] + c["export_bytes"])
    return log + pairs + kept + sum(weights[:gpus]) * c["checkpoint_bytes"]
