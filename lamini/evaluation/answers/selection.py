"""Which instructions are answered: all, or the paper's selection (App. C) as a rule that can be read.

The paper takes at most two instructions of an app, drops those that its benchmarks cover (such as natural
language inference, sentiment, summarisation), and has 114 left of 252. Which 114 is not published.

    rule `paper`    1. the first two of each app, in the order of the file          252 -> 123
                    2. without those whose instruction has a word of OVERLAPS       123 -> 114

The words were chosen with that count in view, each for the task it names; that the nine which go are the
paper's nine is not known. Apps are told apart as the file spells them: `Yelp` and `yelp` are two, which makes
the 71 apps that the paper counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lamini.errors import UserError
from lamini.evaluation.answers.instructions import Item

MOST = 2  # instructions of an app

OVERLAPS = {  # task of the benchmarks -> what an instruction says that asks for it
    "natural language inference": r"\bentail|\bcontradict|\bpremise\b|\bhypothesis\b|\btrue or false\b",
    "sentiment": r"\bsentiment|\bpositive or negative\b|\bsounds? to the reader\b",
    "summarisation": r"\bsummari[sz]|\bsummary of\b|\bin a brief manner\b|\btake-?aways\b|\btl;?dr\b",
    "text classification": r"\bcategory\b|\bcategori[sz]e\b|\bclassify\b|\brating for\b",
}


@dataclass(frozen=True, slots=True)
class Selected:
    """What stays, in order, and what does not: id -> why."""

    items: list[Item]
    apps: dict[str, str]  # dropped by step 1
    tasks: dict[str, str]  # dropped by step 2


def select(items: Sequence[Item], rule: str | None) -> Selected:
    """The instructions that a rule keeps; None keeps all.

    Raises:
        UserError: unknown rule, or a set without apps.
    """
    if rule is None:
        return Selected(list(items), {}, {})
    check(rule)
    if unnamed := next((item.id for item in items if not item.app), None):
        raise UserError(
            f"suite.selection={rule} goes by app and instruction {unnamed} names none (column motivation_app"
            " or app); leave the selection out with suite.selection=null"
        )
    kept, apps, tasks = [], {}, {}
    seen: Counter[str] = Counter()
    for item in items:
        seen[item.app] += 1
        if seen[item.app] > MOST:
            apps[item.id] = f"number {seen[item.app]} of {item.app}"
        elif why := overlap(item.instruction):
            tasks[item.id] = why
        else:
            kept.append(item)
    return Selected(kept, apps, tasks)


def check(rule: str | None) -> None:
    """Raise UserError for a rule that there is not."""
    if rule not in (None, "paper"):
        raise UserError(f"suite.selection={rule} is unknown; there are paper and null")


def overlap(instruction: str) -> str | None:
    """The task of the benchmarks that an instruction asks for, with its words; None for any other.

    >>> overlap("Give a brief summary of the dialogue.")
    "summarisation ('summary of')"
    """
    for task, pattern in OVERLAPS.items():
        if found := re.search(pattern, instruction, re.IGNORECASE):
            return f"{task} ({found[0]!r})"
    return None
