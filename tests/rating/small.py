"""Small studies of every sheet: a handful of items, three owners."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from lamini.rating.study import Item, Level, Scale, Study, Target, sealed

OWNERS = ("flan-t5-small", "gpt2-medium", "gpt-3.5-turbo")
SOURCES = ("self_instruct", "original_p3", "alpaca")
QUALITY = Scale(
    "quality",
    "How good is this?",
    (
        Level("A", "Valid and satisfying", "Right and complete."),
        Level("B", "Acceptable", "Small errors."),
        Level("C", "Poor", "On topic, large errors."),
        Level("D", "Invalid", "Off topic or empty."),
    ),
    ordinal=True,
)
REJECTION = Scale(
    "rejection",
    "Does the response reject the question?",
    (Level("R", "Rejected", "It says so."), Level("H", "Hallucinated", "It answers.")),
    ordinal=False,
)
PREFERENCE = Scale(
    "preference",
    "Which response is better?",
    (
        Level("1", "The first", "Better."),
        Level("2", "The second", "Better."),
        Level("T", "Tie", "As good."),
    ),
    ordinal=False,
)


def study(sheet: str = "responses", items: int = 5, **told: Any) -> Study:
    """A study of `sheet` with so many items; `told` as in `sealed` (seed, overlap, raters_per_item, ...)."""
    scale = {"hallucination": REJECTION, "preference": PREFERENCE}.get(sheet, QUALITY)
    return sealed(sheet, scale, [item(sheet, number) for number in range(items)], **told)


def item(sheet: str, number: int) -> Item:
    """The item of that number, without keys."""
    source = SOURCES[number % 3]
    text = f"Name {number} colours."
    if sheet == "pairs":
        parts = (
            Target("", "instruction", (text,), (source,)),
            Target("", "response", (response(source, number),), (source,)),
        )
        return Item("", f"{source}-{number}", source, text, parts)
    group = {"responses": f"app {number % 2}", "hallucination": f"category {number % 2}"}.get(sheet, "")
    return Item("", f"task_{number}", group, text, _targets(sheet, number))


def response(owner: str, number: int) -> str:
    """What `owner` answered; no owner can be read from it."""
    return f"Answer {(OWNERS + SOURCES).index(owner)} to task {number}: red, **green** & <b>blue</b>."


def _targets(sheet: str, number: int) -> tuple[Target, ...]:
    if sheet == "preference":
        return tuple(
            Target("", "pair", (response(one, number), response(other, number)), (one, other))
            for one, other in combinations(OWNERS, 2)
        )
    return tuple(Target("", "response", (response(owner, number),), (owner,)) for owner in OWNERS)
