"""Messages of others may quote what a student was asked or said; here they lose it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import SequenceMatcher

STRUCK = "***"
RUN = 12  # characters in a row that a message has from a text and not by chance
SHORT = 4  # characters of a text that is struck out as a whole


def unsaid(message: str, texts: Iterable[str]) -> str:
    """The message without the stretches that it shares with any of the texts, as they are or escaped.

    >>> unsaid("invalid input: 'you are a silly goose'", ["Oh, you are a silly goose"])
    "invalid input: '***'"
    """
    for text in texts:
        forms = dict.fromkeys((text, repr(text)[1:-1], json.dumps(text)[1:-1]))
        for form in forms:
            if SHORT <= len(form) < RUN:
                message = message.replace(form, STRUCK)
        while found := max((_shared(message, form) for form in forms), key=len):
            message = message.replace(found, STRUCK)
    return message


def _shared(message: str, text: str) -> str:
    """The longest stretch of both, or nothing where it is short."""
    match = SequenceMatcher(None, message, text, autojunk=False).find_longest_match()
    return message[match.a : match.a + match.size] if match.size >= RUN else ""
