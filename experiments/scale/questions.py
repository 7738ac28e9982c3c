"""What the model says without chance: jobs by number of GPUs, teachers, students, orders, wrong constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from checkpoints import best_interval, duration, young
from model import HOUR, Facts, Plan, limit, plan
from schedule import makespan
from speed import alone, job, least_gpus, mfu, step
from teaching import answer_dollars, answers

from lamini.errors import UserError

GPUS = (1, 8, 64, 512)
WAYS = {  # name -> whether long students may have several GPUs, and who answers
    "endpoint": (False, "api"),
    "own": (True, "local"),
}
SENSITIVE = {
    "share of the peak (MFU)": ("mfu_flan_t5_base", "mfu_flan_t5_large", "mfu_gpt2_medium", "mfu_gpt2_xl"),
    "requests a minute": ("requests_per_minute",),
    "tokens a second of an own teacher": ("local_teacher_tokens_per_second",),
    "rows tokenised a second": ("tokenised_rows_per_second",),
    "seconds to compile": ("compile_seconds",),
    "bandwidth between GPUs": ("nvlink_bytes_per_second", "card_bytes_per_second"),
    "checkpoints of a run": ("saves_a_run",),
    "calls a second of the engine": ("engine_requests_per_second",),
    "share that scoring reaches": ("evaluation_share",),
    "positions of ReCoRD": ("positions_record",),
    "seconds to write a gigabyte": ("write_seconds_per_gb",),
    "kernels: seconds a layer": ("launch_seconds",),
    "price of a GPU hour": ("gpu_hour_dollars",),
}
OTHER: dict[str, dict[str, float]] = {  # worlds that a user may have
    "as above": {},
    "two checkpoints a run (validation.every)": {"saves_a_run": 2},
    "one network card a machine": {"cards_per_machine": 1},
    "GPUs of 80 GB": {"gpu_memory_bytes": 80e9},
    "no compilation": {"compile_seconds": 0},
}

Numbers = dict[str, Any]


def sizes(facts: Facts, of: Sequence[int] = GPUS) -> list[int]:
    """The numbers of GPUs that hold every student.

    Raises:
        UserError: none does.
    """
    least = {student.name: least_gpus(student, facts.c) for student in facts.students}
    largest = max(least, key=lambda name: least[name])
    found = [gpus for gpus in of if gpus >= least[largest]]
    if not found:
        memory = f"gpu_memory_bytes={facts.c['gpu_memory_bytes']:g}"
        raise UserError(
            f"{largest} needs {least[largest]} GPUs of {memory}; the most asked about is {max(of)}"
        )
    return found


def jobs(facts: Facts, gpus: int) -> Numbers:
    """The whole job on `gpus`, each way."""
    found: Numbers = {"gpus": gpus}
    for way, (several, teacher) in WAYS.items():
        found[way] = _told(plan(facts, gpus, several, teacher), facts)
    return found


def _told(made: Plan, facts: Facts) -> Numbers:
    rented = made.rented_hours * facts.c["gpu_hour_dollars"]
    return {
        "stages": {stage.name: stage.seconds / HOUR for stage in made.stages},
        "bottleneck": asdict(made.bottleneck), "training_bound": made.stages[2].bound,
        "hours": made.seconds / HOUR, "gpu_hours": made.gpu_hours,
        "several": {each.name: each.gpus for each in made.jobs if each.gpus > 1},
        "rented_dollars": rented, "teacher_dollars": made.teacher_dollars,
        "dollars": rented + made.teacher_dollars, "bytes": made.bytes,
        "store_dollars": made.bytes / 1e9 * facts.c["store_gb_month_dollars"],
    }  # fmt: skip


def herd(facts: Facts) -> list[Numbers]:
    """Each student alone: hours on the fewest GPUs, what more give, its checkpoint, the best interval."""
    c = facts.c
    rate = c["preemptions_per_hour"] / HOUR
    found = []
    for student in facts.students:
        one = alone(student, c)
        once = step(student, one.gpus, c).seconds
        found.append({
            "student": student.name, "mfu": mfu(student, c), "hours": one.work / HOUR,
            "speedup": {str(gpus): once / step(student, gpus, c).seconds for gpus in (8, 64)},
            "limit": limit(student, job(student, 64, c), c), "write": one.write,
            "gb": student.parameters * c["checkpoint_bytes"] / 1e9,
            "young": young(one, rate) / 60,
            "best": best_interval(one, rate, c["requeue_seconds"]) / 60,
        })  # fmt: skip
    return found


def teachers(facts: Facts) -> list[Numbers]:
    """Ways to get 2.58 million answers: hours, what binds, dollars."""
    then = facts.c["paper_token_dollars"]
    old = dict(facts.c) | {"prompt_dollars": then, "response_dollars": then}
    ways = [
        ("gpt-3.5-turbo, tier 2, at the paper's price", old, "api", 1),
        ("gpt-3.5-turbo, tier 2", facts.c, "api", 1),
        ("gpt-3.5-turbo, tier 5", facts.c, "top", 1),
        *((f"own, on {n} GPU{'s' * (n > 1)}", facts.c, "local", n) for n in (1, 8, 64)),
    ]
    found = []
    for name, c, teacher, gpus in ways:
        stage, price = answers(c, gpus, teacher), answer_dollars(c, teacher, gpus)
        found.append({"teacher": name, "hours": stage.seconds / HOUR, "bound": stage.bound, "dollars": price})
    return found


def orders(facts: Facts) -> list[Numbers]:
    """Hours of training by the order of the line, fewest GPUs each; and two bounds that no order beats."""
    line = [(run.gpus, duration(run)) for run in (alone(student, facts.c) for student in facts.students)]
    first = sorted(line, key=lambda each: -each[1])
    work = sum(count * seconds for count, seconds in line)
    return [
        {
            "gpus": gpus,
            "line": makespan(line, gpus) / HOUR,
            "longest_first": makespan(first, gpus) / HOUR,
            "work": work / gpus / HOUR,
            "longest": first[0][1] / HOUR,
        }
        for gpus in sizes(facts, (1, 2, 4, 8, 16))
    ]


def sensitivity(facts: Facts, rebuilt: Callable[[dict[str, float]], Facts]) -> list[Numbers]:
    """Half and twice each constant: (hours, dollars) relative to the plan, for 8 and 64 GPUs.

    8 with an endpoint and one GPU a student, 64 with an own teacher and several.
    """
    cases = ((8, "endpoint"), (64, "own"))
    base = {gpus: jobs(facts, gpus)[way] for gpus, way in cases}
    found = []
    for name, keys in SENSITIVE.items():
        row: Numbers = {"constant": name}
        for factor in (0.5, 2.0):
            other = rebuilt(dict(facts.c) | {key: factor * facts.c[key] for key in keys})
            for gpus, way in cases:
                now = jobs(other, gpus)[way]
                row[f"{gpus} x {factor}"] = [
                    now[what] / base[gpus][what] - 1 for what in ("hours", "dollars")
                ]
        found.append(row)
    return found


def worlds(facts: Facts, rebuilt: Callable[[dict[str, float]], Facts]) -> list[Numbers]:
    """Hours of training and GPU hours, long students on several GPUs, where some constants differ."""
    found = []
    for name, changes in OTHER.items():
        other = rebuilt(dict(facts.c) | changes)
        plans = {str(gpus): jobs(other, gpus)["own"] for gpus in sizes(other)}
        told = {gpus: [each["stages"]["training"], each["gpu_hours"]] for gpus, each in plans.items()}
        found.append({"world": name, "training": told})
    return found
