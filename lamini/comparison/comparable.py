"""Who may share a mean or a ranking: members scored on the same tasks, rows and versions, in one wrapper.

A mean over 14 tasks beside one over 15, or of tasks that another lm-eval asks otherwise, ranks nothing.
Such members stand in groups of their own, each with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamini.comparison.herd import Kind, Member

SHOWN = 5  # tasks that a reason names


@dataclass(frozen=True)
class Group:
    """`versions`: task -> lm-eval's number; `reason`: what sets it apart from the first group."""

    members: Sequence[Member]
    tasks: Sequence[str]
    versions: Mapping[str, str]
    limit: int | None
    reason: str = ""


@dataclass(frozen=True)
class _Signature:
    tasks: tuple[tuple[str, str], ...]  # name, key of version, settings and rows
    limit: int | None
    rule: str  # of the wrapper
    judge: str  # versions of what asks and judges


def groups(members: Sequence[Member], suite: str) -> list[Group]:
    """Members with results of `suite` by what may be compared: our largest group first, the paper's last.

    Of two members on tasks a and b and one on a alone, the first two are a group and the third is one, with
    the reason "lacks b".
    """
    found: dict[_Signature, list[Member]] = {}
    for member in members:
        tree = member.suites.get(suite, {})
        if tree.get("tasks"):
            found.setdefault(_signature(member, tree), []).append(member)
    ranked = sorted(found.items(), key=_order)
    return [
        Group(
            own,
            [task for task, _ in told.tasks],
            {task: entry["version"] for task, entry in own[0].suites[suite]["tasks"].items()},
            told.limit,
            _reason(told, own, ranked[0][0]) if told is not ranked[0][0] else "",
        )
        for told, own in ranked
    ]


def _signature(member: Member, tree: Mapping[str, Any]) -> _Signature:
    tasks = ((name, str(entry.get("key") or entry["version"])) for name, entry in tree["tasks"].items())
    versions = tree.get("versions") or {}
    judge = f"lm-eval {versions.get('lm_eval')}, scoring {versions.get('scoring')}"
    return _Signature(tuple(sorted(tasks)), tree.get("limit"), _rule(member, tree), judge)


def _rule(member: Member, tree: Mapping[str, Any]) -> str:
    """ "own" where a student is asked as it was trained, else the wrapper that was asked for."""
    trained = member.config.get("family", {}).get("wrapper") if member.kind is Kind.run else None
    wrapper = str(tree.get("wrapper"))
    return "own" if trained is None or wrapper == trained else wrapper


def _order(entry: tuple[_Signature, list[Member]]) -> tuple[bool, bool, int, int]:
    told, own = entry
    published = all(member.kind is Kind.published for member in own)
    return published, told.limit is not None, -len(told.tasks), -len(own)


def _reason(told: _Signature, own: Sequence[Member], first: _Signature) -> str:
    """What differs from the first group, in words."""
    if all(member.kind is Kind.published for member in own):
        return "the paper's numbers, of an lm-eval of April 2023"
    mine, theirs = dict(told.tasks), dict(first.tasks)
    facts = []
    if lacking := [name for name in theirs if name not in mine]:
        facts.append(f"lacks {_named(lacking)}")
    if more := [name for name in mine if name not in theirs]:
        facts.append(f"has {_named(more)} besides")
    if others := [name for name in mine if name in theirs and mine[name] != theirs[name]]:
        facts.append(f"other versions or rows of {_named(others)}")
    if told.limit != first.limit:
        facts.append("all rows" if told.limit is None else f"only the first {told.limit:,} rows of each task")
    if told.judge != first.judge:
        facts.append(f"scored by {told.judge}")
    if told.rule != first.rule:
        facts.append("asked as trained" if told.rule == "own" else f"asked in the wrapper {told.rule}")
    return ", ".join(facts)


def _named(tasks: Sequence[str]) -> str:
    more = f" and {len(tasks) - SHOWN} more" if len(tasks) > SHOWN else ""
    return ", ".join(tasks[:SHOWN]) + more
