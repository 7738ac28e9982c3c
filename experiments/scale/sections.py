"""The tables of the study's README, from the numbers of plan.py and measure.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from figure import draw
from recording import FILE, results
from tables import table

from lamini.runs import write_atomically

BEGIN, END = "<!-- results -->", "<!-- /results -->"
STAGES = ("answers", "preparation", "training", "benchmarks")
MEASURED = {
    "write_seconds_per_gb": "checkpoint written, hashed and flushed, s/GB",
    "read_seconds_per_gb": "checkpoint checked and loaded, s/GB",
    "shard_rows_per_second": "rows into Parquet shards, 1/s",
    "shard_row_bytes": "bytes of a row in a shard",
    "log_row_bytes": "bytes of an answer in the request log",
    "system_tokens": "tokens of the system message",
    "tokenised_rows_per_second": "rows into a token cache, 1/s",
    "launch_per_student_seconds": "one more tiny student in a local sweep, s",
}

Numbers = Mapping[str, Any]


def write() -> str:
    """Fill in the README's section and draw the figure; returns the section."""
    recorded, readme = results(), FILE.with_name("README.md")
    text = render(recorded)
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    write_atomically(readme, f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
    draw(recorded["plan"], FILE.with_name("plan.svg"))
    return text


def render(recorded: Numbers) -> str:
    """Every table under its heading."""
    parts = [f"### {heading}\n\n{part(recorded['plan'])}" for heading, part in PARTS.items()]
    parts.append(f"### A real line\n\n{real(recorded['real'])}")
    return "\n\n".join([*parts, f"### Measured here\n\n{measured(recorded['measured'])}"])


def jobs(plan: Numbers) -> str:
    """The stages at each number of GPUs, each way, and who has several GPUs."""
    head = ["GPUs", *STAGES, "all", "held up first by", "training by"]
    said = {
        "endpoint": "An endpoint answers, each student has one GPU (`-m`, longest student first):",
        "own": "An own teacher answers, long students have several GPUs (lines of their own):",
    }
    texts = []
    for way, sentence in said.items():
        rows = []
        for each in plan["jobs"]:
            job = each[way]
            name, bound = job["bottleneck"]["name"], job["bottleneck"]["bound"]
            first = name if name == "training" else f"{name}: {bound}"
            times = [hours(job["stages"][name]) for name in STAGES]
            rows.append([str(each["gpus"]), *times, hours(job["hours"]), first, job["training_bound"]])
        texts.append(f"{sentence}\n\n{table(head, rows)}")
    shared = [(each["gpus"], each["own"]["several"]) for each in plan["jobs"] if each["own"]["several"]]
    texts += [f"On {gpus} GPUs there are for {several(counts)}." for gpus, counts in shared]
    return "\n\n".join(texts)


def several(counts: Mapping[str, int]) -> str:
    """Names by number of GPUs, most first."""
    names: dict[int, list[str]] = {}
    for name, count in counts.items():
        names.setdefault(count, []).append(name)
    return "; ".join(f"{', '.join(names[count])} {count} each" for count in sorted(names, reverse=True))


def money(plan: Numbers) -> str:
    """Dollars and bytes, each way."""
    head = ["GPUs", "GPU hours used", "teacher", "rented", "GPU hours used, several GPUs", "own teacher",
            "rented", "disk", "a month of it"]  # fmt: skip
    rows = []
    for each in plan["jobs"]:
        cells = []
        for job in (each["endpoint"], each["own"]):
            cells += [
                f"{job['gpu_hours']:.0f}",
                dollars(job["teacher_dollars"]),
                dollars(job["rented_dollars"]),
            ]
        job = each["endpoint"]
        disk = [f"{job['bytes'] / 1e9:,.0f} GB", dollars(job["store_dollars"])]
        rows.append([str(each["gpus"]), *cells, *disk])
    price = plan["constants"]["gpu_hour_dollars"]
    return (
        f"{table(head, rows)}\n\nRented is the whole cluster, idle or not, for training and benchmarks at"
        f" ${price:.2f} a GPU hour."
    )


def teachers(plan: Numbers) -> str:
    """Ways to get the answers."""
    head = ["teacher", "hours", "bound by", "dollars"]
    rows = [
        [each["teacher"], hours(each["hours"]), each["bound"], dollars(each["dollars"])]
        for each in plan["teachers"]
    ]
    return table(head, rows)


def simulated(plan: Numbers) -> str:
    """The model beside the simulation."""
    head = ["GPUs", "each student has", "no chance", "model", "simulated, no notice", "with notice",
            "19 of 20 within", "interruptions", "GPU hours repeated", "a machine lost", "interruptions x 10",
            "no stragglers", "queue x 30"]  # fmt: skip
    rows = []
    for each in plan["simulated"]:
        told = each["told"]
        rows.append([
            str(each["gpus"]), "one or more" if each["several"] else "one", hours(told["still"]),
            hours(told["model"]), hours(each["no notice"]["mean"]), hours(told["mean"]), hours(told["p95"]),
            f"{told['interruptions']:.2f}", f"{told['repeated']:.1f}",
            *(hours(each[name]["mean"]) for name in ("lost", "ten times", "no stragglers", "slow queue")),
        ])  # fmt: skip
    said = f"Hours of training, {plan['runs']:,} seeds, longest student first, ten checkpoints a run:"
    return f"{said}\n\n{table(head, rows)}\n\n{spot(plan)}"


def spot(plan: Numbers) -> str:
    """What machines that may be taken away save."""
    c = plan["constants"]
    price = c["spot_gpu_hour_dollars"]
    (seen,) = (each for each in plan["simulated"] if each["gpus"] == 8 and not each["several"])
    steady = dollars(seen["told"]["still_held"] * c["gpu_hour_dollars"])
    rare, often = (dollars(seen[name]["held"] * price) for name in ("told", "ten times"))
    return (
        f"The GPU hours used on 8 GPUs, one a student, cost {steady} on demand. Where machines may be taken"
        f" away, at ${price:.2f} an hour, they cost {rare} at 1 %/h and {often} at 10 %/h, with all that is"
        " done again."
    )


def orders(plan: Numbers) -> str:
    """Line order against longest first."""
    head = ["GPUs", "as the presets name them", "longest first", "all work / GPUs", "longest student"]
    names = ("line", "longest_first", "work", "longest")
    rows = [[str(each["gpus"]), *(hours(each[name]) for name in names)] for each in plan["orders"]]
    return table(head, rows)


def intervals(plan: Numbers) -> str:
    """What checkpoints and interruptions add, by interval."""
    head = ["a checkpoint every", "model", "simulated", "with notice", "model, 10 %/h", "simulated, 10 %/h"]
    names = ("model", "simulated", "notice", "model_often", "simulated_often")
    rows = [[each["interval"], *(f"{each[name]:.1%}" for name in names)] for each in plan["intervals"]]
    said = (
        "Added to the herd's GPU time without checkpoints and interruptions, at 1 %/h where nothing else is"
        " said; each student alone. Young's and the best intervals are those for 1 %/h:"
    )
    return f"{said}\n\n{table(head, rows)}"


def students(plan: Numbers) -> str:
    """Each student alone."""
    head = ["student", "MFU", "alone", "8 GPUs", "64 GPUs", "at 64 most is", "checkpoint", "written in",
            "Young's interval", "best interval"]  # fmt: skip
    rows = []
    for each in plan["herd"]:
        speedup = [f"{each['speedup'][gpus]:.1f} x" for gpus in ("8", "64")]
        rows.append([
            each["student"], f"{each['mfu']:.0%}", hours(each["hours"]), *speedup, each["limit"],
            f"{each['gb']:.1f} GB", f"{each['write']:.0f} s", f"{each['young']:.0f} min",
            f"{each['best']:.0f} min",
        ])  # fmt: skip
    return table(head, rows)


def sensitivity(plan: Numbers) -> str:
    """Half and twice each constant."""
    head = ["constant", "8 GPUs: half of it", "twice", "64 GPUs: half of it", "twice"]
    cases = [f"{gpus} x {factor}" for gpus in (8, 64) for factor in (0.5, 2.0)]
    rows = []
    for each in plan["sensitivity"]:
        changes = [f"{time:+.0%} h, {price:+.0%} $" for time, price in (each[case] for case in cases)]
        rows.append([each["constant"], *changes])
    return (
        "Hours and dollars of the whole job, rented, answers included: 8 GPUs with an endpoint and one GPU a"
        f" student, 64 with an own teacher and several:\n\n{table(head, rows)}"
    )


def worlds(plan: Numbers) -> str:
    """Training where some constants differ."""
    gpus = [str(each["gpus"]) for each in plan["jobs"]]
    rows = []
    for each in plan["worlds"]:
        told = [each["training"].get(count) for count in gpus]
        cells = [f"{hours(found[0])}, {found[1]:.0f} GPU h" if found else "does not fit" for found in told]
        rows.append([each["world"], *cells])
    return table(["training, several GPUs for long students", *(f"on {count}" for count in gpus)], rows)


def real(numbers: Numbers) -> str:
    """A line that ran, beside list scheduling of the same seconds."""
    head = ["student", "started", "took", "ended", "by the model"]
    rows = [
        [str(number), f"{start:.1f} s", f"{end - start:.1f} s", f"{end:.1f} s", f"{told:.1f} s"]
        for number, (start, end, told) in enumerate(
            zip(numbers["starts"], numbers["ends"], numbers["told"], strict=True), start=1
        )
    ]
    said = f"{len(rows)} tiny students, {numbers['slots']} at a time, `hydra/launcher=local`:"
    return f"{said}\n\n{table(head, rows)}\n\n{place(numbers)}"


def measured(numbers: Numbers) -> str:
    """What measure.py found, and where."""
    rows = [[said, _digits(numbers[name])] for name, said in MEASURED.items()]
    tasks = ", ".join(f"{task} {mean:.0f}" for task, mean in numbers["positions"].items())
    said = table(["what", "measured"], rows)
    return f"{said}\n\nTokens of a benchmark's row: {tasks}.\n\n{place(numbers)}"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def place(numbers: Numbers) -> str:
    """Where a part was made."""
    dirty = " with uncommitted changes" if numbers["dirty"] else ""
    return (
        f"{numbers['cores']} cores ({numbers['machine']}), load average at the end {numbers['load']}, commit"
        f" {numbers['commit']}{dirty}."
    )


def hours(value: float) -> str:
    """Hours with the digits that mean something."""
    return f"{value:.0f} h" if value >= 100 else f"{value:.1f} h" if value >= 10 else f"{value:.2f} h"


def dollars(value: float) -> str:
    """Dollars, no cents."""
    return f"${value:,.0f}"


PARTS: dict[str, Callable[[Numbers], str]] = {
    "The job": jobs,
    "Money and storage": money,
    "Answers": teachers,
    "Training: model and simulation": simulated,
    "Training: the order of the line": orders,
    "Checkpoints": intervals,
    "Students": students,
    "If a constant were wrong": sensitivity,
    "Other worlds": worlds,
}
