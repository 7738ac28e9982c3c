"""The two verdicts of the paper (section 6), and how one is read out of somebody's words."""

from __future__ import annotations

from lamini.teacher.words import word_in

REJECTED, HALLUCINATED = "rejected", "hallucinated"
VERDICTS = (REJECTED, HALLUCINATED)


def verdict_in(text: str) -> str | None:
    """The verdict that a text is, whatever its case and marks; None for every other text.

    Strict on purpose: a judge that was told to say one word and says more may mean anything by it.

    >>> verdict_in("**Rejected.**"), verdict_in("It is rejected"), verdict_in("REJECTED or HALLUCINATED")
    ('rejected', None, None)
    """
    word = word_in(text).lower()
    return word if word in VERDICTS else None
