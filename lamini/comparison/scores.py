"""Numbers of a member in percent, as the paper prints them, from evaluation/<suite>.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamini.comparison.herd import Member


@dataclass(frozen=True)
class Score:
    """The headline of one task; `value`, `stderr` and `chance` in percent where it is a share."""

    value: float
    stderr: float | None
    chance: float | None
    n: int
    metric: str
    share: bool  # lies between 0 and 1 and may be averaged


def score(member: Member, suite: str, task: str, wrapper: str | None = None) -> Score | None:
    """The headline of a task or group; None where the member has none."""
    entry = columns(member, suite, wrapper).get(task)
    if not entry:
        return None
    told = entry[entry["headline"]]
    percent = _percent if entry["share"] else _plain
    return Score(
        percent(told["value"]) or 0.0,
        percent(told.get("stderr")),
        percent(told.get("chance")),
        told["n"],
        entry["headline"],
        entry["share"],
    )


def mean(member: Member, suite: str, kind: str = "mean", wrapper: str | None = None) -> float | None:
    """The plain mean over tasks in percent, or `weighted_mean`; None where there is none.

    Only members of one group of `comparable.groups` may stand in a ranking by it.
    """
    found = part(member, suite, wrapper).get(kind)
    return _percent(found["value"]) if found else None


def mean_error(member: Member, suite: str, kind: str = "mean", wrapper: str | None = None) -> float | None:
    """Standard error of the mean, in points."""
    found = part(member, suite, wrapper).get(kind)
    return _percent(found["stderr"]) if found else None


def columns(member: Member, suite: str, wrapper: str | None = None) -> dict[str, Mapping[str, Any]]:
    """Task or group -> its entry: tasks of which lm-eval makes one number stand as their group."""
    own = part(member, suite, wrapper)
    if not own:
        return {}
    tasks, groups = own["tasks"], own.get("groups", {})
    inside = {task: name for name, entry in groups.items() for task in entry["tasks"]}
    names = dict.fromkeys(inside.get(task, task) for task in tasks)
    return {name: groups[name] if name in groups else tasks[name] for name in names}


def part(member: Member, suite: str, wrapper: str | None = None) -> Mapping[str, Any]:
    """Tasks, groups and means in a wrapper (None: the main one); {} where there are none."""
    tree = member.suites.get(suite, {})
    if "tasks" not in tree:
        return {}
    if wrapper is None or wrapper == tree.get("wrapper"):
        return tree
    other: Mapping[str, Any] = tree.get("others", {}).get(wrapper, {})
    return other


def label(entry: Mapping[str, Any], task: str) -> str:
    """The paper's name of a task where it has one: record -> ReCoRD."""
    return str(entry.get("paper") or task)


def benchmarks(members: Sequence[Member]) -> list[str]:
    """Suites of tasks that any of the members has, the paper's first."""
    found = dict.fromkeys(
        name for member in members for name, tree in member.suites.items() if "tasks" in tree
    )
    return sorted(found, key=lambda name: name != "nlp15")


def _percent(share: float | None) -> float | None:
    """0.513 -> 51.3, without the binary dust of 51.300000000000004."""
    return None if share is None else round(100 * share, 10)


def _plain(value: float | None) -> float | None:
    return value
