"""Pairs that are too short or too long, in characters: no tokenizer decides what everybody trains on."""

from __future__ import annotations

from lamini.config import LengthFilter


def too_short_or_long(instruction: str, response: str, limits: LengthFilter) -> str | None:
    """What is wrong with the lengths; None when nothing is. Surrounding blanks do not count.

    >>> too_short_or_long("Hi", "Hello!", LengthFilter(3, 100, 1, 100))
    'instruction of 2 characters, below 3'
    """
    sides = (
        ("instruction", instruction, limits.instruction_min, limits.instruction_max),
        ("response", response, limits.response_min, limits.response_max),
    )
    for name, text, least, most in sides:
        size = len(text.strip())
        if size < least:
            return f"{name} of {size} characters, below {least}"
        if size > most:
            return f"{name} of {size} characters, above {most}"
    return None
