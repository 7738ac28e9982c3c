"""What a teacher said that was told to say one word."""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)  # reasoning models say it before their answer
_AROUND = " \t\r\n.!:\"'`*_“”‘’«»()[]"


def word_in(text: str) -> str:
    """The text without thoughts before it and marks around it; of more than a word, all of it.

    >>> word_in("<think>Hm.</think> **B.**"), word_in("B or C.")
    ('B', 'B or C')
    """
    return _THOUGHT.sub("", text, count=1).strip(_AROUND)
