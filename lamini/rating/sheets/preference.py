"""Two responses to an instruction side by side; which two, and which of them first, is drawn by seed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import combinations

from lamini.errors import UserError
from lamini.rating.reading import Answer
from lamini.rating.sheets.matching import Asked, by_instruction
from lamini.rating.study import Item, Target, hashed

Pair = tuple[str, str]


def items(
    answers: Sequence[Answer], common: bool, against: str | None, comparisons: int | None, seed: int
) -> tuple[list[Item], list[str]]:
    """One item an instruction with a target for each two students, and what is left out.

    With `against`, only pairs with this student; with `comparisons`, so many of the pairs, every one about
    equally often over the instructions.

    Raises:
        UserError: as `responses.items`; fewer than two students; `against` is none of them.
    """
    asked, told = by_instruction(answers, common)
    pairs = _pairs(list(dict.fromkeys(answer.student for answer in answers)), against)
    found = []
    for place, one in enumerate(sorted(asked, key=lambda one: hashed(str(seed), one.id))):
        drawn = _drawn(pairs, place, comparisons, seed)
        targets = tuple(_target(one, pair, seed) for pair in drawn if _both(one, pair))
        found.append(Item("", one.id, one.group, one.instruction, targets))
    kept = {item.id: item for item in found if item.targets}
    if not kept:
        raise UserError(f"there are no two answers to compare: {'; '.join(told)}")
    if len(kept) < len(asked):
        lacking = len(asked) - len(kept)
        told.append(f"{lacking} of {len(asked)} instructions are left out: no two answers to them")
    return [kept[one.id] for one in asked if one.id in kept], told


def _pairs(students: Sequence[str], against: str | None) -> list[Pair]:
    if len(students) < 2:
        raise UserError(f"sheet=preference compares two students; answers has {', '.join(students)} alone")
    if against is not None and against not in students:
        close = difflib.get_close_matches(against, students, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UserError(
            f"sheet.against={against} is none of the students{hint}; there are: {', '.join(students)}"
        )
    every = list(combinations(sorted(students), 2))
    return [pair for pair in every if against is None or against in pair]


def _drawn(pairs: Sequence[Pair], place: int, comparisons: int | None, seed: int) -> list[Pair]:
    """The pairs of the item at this place: the next ones of a circle of all pairs."""
    if comparisons is None or comparisons >= len(pairs):
        return list(pairs)
    circle = sorted(pairs, key=lambda pair: hashed(str(seed), *pair))
    return [circle[(place * comparisons + step) % len(circle)] for step in range(comparisons)]


def _both(one: Asked, pair: Pair) -> bool:
    return all(one.responses[student] is not None for student in pair)


def _target(one: Asked, pair: Pair, seed: int) -> Target:
    turned = int(hashed(str(seed), one.id, *pair), 16) % 2
    owners = pair[::-1] if turned else pair
    return Target("", "pair", tuple(str(one.responses[student]) for student in owners), owners)
