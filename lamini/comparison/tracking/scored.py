"""Scores of evaluate.py as columns of W&B's table: benchmarks, probes, latency; shares and scores in percent.

What may not share a mean or a ranking (other tasks, versions or rows) has columns of its own, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamini.comparison import comparable, scores
from lamini.comparison.herd import Member, Tree

Columns = dict[str, float | str]


def scored(members: Sequence[Member]) -> dict[str, Columns]:
    """Key of each member -> its columns.

    `{"flan-t5-small": {"nlp15/mean": 48.9, "nlp15/wsc273": 57.1, "hallucination/share": 85.0,
    "toxicity/non-toxic": 0.3, "latency/token_ms": 12.5},
    "gpt2": {"nlp15 apart 1/mean": 60.0, "nlp15 apart 1/why": "lacks wic"}}`
    """
    found: dict[str, Columns] = {member.key: {} for member in members}
    for suite in scores.benchmarks(members):
        for number, group in enumerate(comparable.groups(members, suite)):
            label = f"{suite} apart {number}" if number else suite
            for member in group.members:
                found[member.key] |= _benchmark(member, suite, label)
                found[member.key] |= {f"{label}/why": group.reason} if number else {}
    for member in members:
        for suite, tree in member.suites.items():
            if "tasks" not in tree:
                known = {name: value for name, value in _probed(tree).items() if value is not None}
                found[member.key] |= {f"{suite}/{name}": value for name, value in known.items()}
    return found


def names(members: Sequence[Member]) -> list[str]:
    """Columns with numbers that any member has, means first; held-out scores of training among them."""
    held_out = (f"exact_match/{axis}" for member in members for axis in member.record.get("held_out") or {})
    own = (
        name
        for columns in scored(members).values()
        for name, value in columns.items()
        if not isinstance(value, str)
    )
    return sorted(dict.fromkeys([*own, *held_out]), key=lambda name: not name.endswith("/mean"))


def _benchmark(member: Member, suite: str, label: str) -> Columns:
    found = {"mean": scores.mean(member, suite)}
    for task in scores.columns(member, suite):
        one = scores.score(member, suite, task)
        found[task] = one.value if one else None
    return {f"{label}/{name}": value for name, value in found.items() if value is not None}


def _probed(tree: Tree) -> dict[str, float | None]:
    """Headlines of the suites that are no benchmarks."""
    if "judges" in tree:
        judge = tree["judges"].get(tree.get("judged_by"), {})
        return {"share": _percent(judge.get("total", {}).get("share"))}
    if "token_ms" in tree:
        return {"token_ms": tree["token_ms"]["median"]}
    groups = tree.get("groups", {})
    return {name: _percent(counts.get("answer", {}).get("rate")) for name, counts in groups.items()}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 10)
