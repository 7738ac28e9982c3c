"""Responses that repeat the instruction instead of following it.

Compared are words (letters and digits, any case), so that quotes and full stops hide nothing. An echo is
    the whole instruction, with at most labels around it ("Instruction:", "Here is my response:"), or
    nine tenths or more of it from its beginning: an echo that was cut off.
What stands behind a repeated instruction may be the answer ("The capital of France is" "... Paris", a
question and then its answer, a program under a comment that says what it does) and stays, as do spans copied
from a passage and corrected texts without their request. Below four words there is no verdict: "Good
morning!" is a fine answer to itself. The price: a copying task whose answer is the whole instruction would be
dropped; "Repeat: x" is none, as its answer leaves out the request.
"""

from __future__ import annotations

import re
from itertools import dropwhile

SHORTEST = 4  # words of an instruction that can be echoed
CUT = 0.9  # share of the instruction that a cut echo has at least
LABELS = {
    "instruction", "instructions", "input", "output", "question", "answer", "response", "prompt", "task",
    "request", "user", "assistant", "human", "ai", "q", "a", "sure", "certainly", "here", "is", "the", "my",
    "your", "this", "you", "asked", "said", "okay", "ok",
}  # fmt: skip

_WORD = re.compile(r"[^\W_]+")


def echo(instruction: str, response: str) -> str | None:
    """What is repeated; None for an answer.

    >>> echo("Name the longest river.", "Instruction: name the longest river")
    'repeats the instruction'
    >>> echo("The longest river is the", "The longest river is the Nile.")
    """
    if not len(instruction) / 2 < len(response) < 2 * len(instruction) + 100:
        return None  # the words cannot be the same, and most responses need not be split
    asked, said = (_behind_labels(_WORD.findall(text.casefold())) for text in (instruction, response))
    if len(asked) < SHORTEST:
        return None
    if _behind_labels(said[::-1]) == _behind_labels(asked[::-1]):
        return "repeats the instruction"
    if len(said) >= CUT * len(asked) and said == asked[: len(said)]:
        return "repeats the beginning of the instruction"
    return None


def _behind_labels(words: list[str]) -> list[str]:
    """The words without labels in front: "question what is it" gives "what is it"."""
    return list(dropwhile(LABELS.__contains__, words))
