"""What came out of a study with seeds: results.json and the tables in its README.

    python experiments/record.py <herd folder> <study folder> --suite <suite> [--effects]

A row is a run over all its seeds, as in the book of compare.py: mean and 95 % interval (Student's t). Runs
that cannot be compared stand in tables of their own, with the reason. --effects adds what each source of the
data does.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tables import place, table, where

from lamini.analysis.tables import markdown
from lamini.comparison import comparable, replicates, scores
from lamini.comparison.ablation import mixtures
from lamini.comparison.herd import Kind, Member
from lamini.comparison.reading import read
from lamini.comparison.replicates import Row
from lamini.errors import UserError
from lamini.runs import write_atomically

Number = Callable[[Member], float | None]


def main() -> None:
    """Read the arguments, write the two files, print the tables."""
    parser = argparse.ArgumentParser(description="Record the results of a study with seeds in its folder.")
    parser.add_argument("herd", type=Path, help="folder of run folders")
    parser.add_argument("study", type=Path, help="folder whose README.md takes the tables")
    parser.add_argument("--suite", required=True, help="of evaluate.py: nlp15, oracle")
    parser.add_argument("--effects", action="store_true", help="add what each source of the data does")
    arguments = parser.parse_args()
    try:
        print(record(arguments.herd, arguments.study, arguments.suite, arguments.effects))
    except UserError as error:
        print(f"record.py: {error}", file=sys.stderr)
        sys.exit(2)


def record(folder: Path, study: Path, suite: str, effects: bool = False) -> str:
    """Write results.json and the results section of README.md; returns that section.

    Raises:
        UserError: no finished run with scores of the suite, or a README without the markers.
    """
    herd = read(str(folder), paper=False)
    done = [member for member in herd.members if member.status == "done"]
    groups = comparable.groups(done, suite)
    if not groups:
        raise UserError(f"{folder} has no finished run with scores of {suite}; python evaluate.py makes them")
    left_out = [*herd.left_out, *(f"{one.key} is {one.status}" for one in herd.members if one not in done)]
    left_out += [f"{one.key} has no scores of {suite}" for one in done if suite not in one.suites]
    results: dict[str, Any] = {"suite": suite, "groups": [], "left_out": left_out}
    parts = []
    for group in groups:
        rows = sorted(replicates.rows(group.members), key=lambda row: natural(row.key))
        facts = [facts_of(row, suite, group.tasks) for row in rows]
        results["groups"].append({"reason": group.reason, "rows": facts})
        parts += [f"Apart, because not comparable: {group.reason}."] if group.reason else []
        parts.append(table_of(facts, group.tasks))
    if effects:
        parts += effects_of(groups[0].members, suite, results)
    trained = [member for member in groups[0].members if member.kind is Kind.run]
    results["provenance"] = made_by = dict((trained or done)[0].record.get("provenance", {}))
    made_by.get("hardware", {}).pop("system", None)  # the kernel's name tells nobody anything
    parts += [how_to_read(suite), *([where(made_by, seeds_of(trained))] if made_by else [])]
    parts += [f"Left out: {'; '.join(left_out)}."] if left_out else []
    text = "\n\n".join(parts)
    readme = place(study / "README.md", text)
    write_atomically(study / "results.json", json.dumps(results, indent=1) + "\n")
    write_atomically(study / "README.md", readme)
    return text


def natural(key: str) -> list[str | int]:
    """What sorts numbers in names by their size: limit=300 before limit=1200."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", key)]


def facts_of(row: Row, suite: str, tasks: Sequence[str]) -> dict[str, Any]:
    """One run over its seeds, with every seed's own values."""
    first = row.members[0].record
    names = [name for name in scores.columns(row.members[0], suite) if name in tasks] or list(tasks)
    return {
        "run": row.key,
        "seeds": [member.seed for member in row.members],
        "parameters": row.members[0].parameters,
        "pairs": first.get("data", {}).get("pairs"),
        "steps": first.get("steps"),
        "bits_per_byte": spread(row, lambda one: one.record.get("validation_bits_per_byte")),
        "minutes": spread(row, lambda one: one.record["seconds"] / 60 if one.record.get("seconds") else None),
        "tasks": {name: spread(row, of_task(suite, name)) for name in names},
        "mean": spread(row, lambda one: scores.mean(one, suite)),
    }


def of_task(suite: str, task: str) -> Number:
    """The headline of a task, in percent."""

    def number(member: Member) -> float | None:
        found = scores.score(member, suite, task)
        return found.value if found else None

    return number


def spread(row: Row, number: Number) -> dict[str, Any] | None:
    """Mean, interval and the value of each seed."""
    found = replicates.spread(row, number)
    return None if found is None else {**asdict(found), "values": [number(member) for member in row.members]}


def table_of(facts: Sequence[dict[str, Any]], tasks: Sequence[str]) -> str:
    """A row a run: what it is, each task, the mean."""
    tasks = [name for name in facts[0]["tasks"] if name in tasks]
    about = ["run", "parameters", "pairs", "steps", "seeds", "bits/byte"]
    rows = [
        [
            one["run"], whole(one["parameters"]), whole(one["pairs"]), whole(one["steps"]),
            str(len(one["seeds"])), shown(one["bits_per_byte"], 3),
            *(shown(one["tasks"][name], 1) for name in tasks), shown(one["mean"], 1),
            shown(one["minutes"], 1, interval=False),
        ]
        for one in facts
    ]  # fmt: skip
    return table([*about, *map(plain, tasks), "mean", "minutes"], rows)


def plain(task: str) -> str:
    """`oracle_new_instances` as people read it."""
    return task.removeprefix("oracle_").replace("_", " ")


def whole(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def shown(told: dict[str, Any] | None, digits: int, interval: bool = True) -> str:
    """`37.3 ± 2.1`: the mean, and half of the interval."""
    if told is None:
        return ""
    half = "" if told["high"] is None or not interval else f" ± {told['high'] - told['mean']:.{digits}f}"
    return f"{told['mean']:.{digits}f}{half}"


def effects_of(members: Sequence[Member], suite: str, results: dict[str, Any]) -> list[str]:
    """What each source does to the mean of the suite: the tables of lamini.comparison.ablation.mixtures."""
    runs, unknown = mixtures.runs_of(members, lambda one: scores.mean(one, suite))
    found = mixtures.fit(runs)
    results["effects"] = asdict(found)
    results["left_out"] += unknown
    parts = []
    for one in mixtures.tables(found):
        parts += [f"**{one.title}**", markdown(one)]
    return parts


def seeds_of(members: Sequence[Member]) -> list[int]:
    return sorted({member.seed for member in members if member.seed is not None})


def how_to_read(suite: str) -> str:
    """What the numbers of the table are."""
    return (
        f"Scores of `suite={suite}` in percent, mean over the seeds and half of its 95 % interval; `mean` is"
        " the plain mean of the tasks. Bits a byte of validation responses compare students with different"
        " tokenizers, not runs on different data."
    )


if __name__ == "__main__":
    main()
