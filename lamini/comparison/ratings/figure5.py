"""The paper's ratings of models (Figure 5) under the names that its Tables 9 to 14 have for them."""

from __future__ import annotations

from lamini.comparison.herd import Member
from lamini.comparison.published import counterpart
from lamini.rating.summary.paper import published

CALLED = {"LaMini-Cerebras": "LaMini-C", "Cerebras-GPT": "C-GPT", "-large": "", "-xl": ""}
"""What the figure says -> what the tables say."""


def counts() -> dict[str, list[int]]:
    """Name in the figure -> A, B, C, D, in its order."""
    return published("responses", "response")


def called(name: str) -> str:
    """The name in the tables.

    >>> called("LaMini-Cerebras-1.3B"), called("Flan-T5-large-783M")
    ('LaMini-C-1.3B', 'Flan-T5-783M')
    """
    for there, here in CALLED.items():
        name = name.replace(there, here)
    return name


def of(member: Member) -> list[int] | None:
    """The counts of the paper's model that a member is; None where the paper had it not rated."""
    model = counterpart(member)
    if model is None:
        return None
    return next((own for name, own in counts().items() if called(name) == model.key), None)
