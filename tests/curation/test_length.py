"""Lengths in characters, at their bounds."""

from __future__ import annotations

import pytest

from lamini.config import LengthFilter
from lamini.curation.length import too_short_or_long

LIMITS = LengthFilter(3, 5, 1, 4)


@pytest.mark.parametrize(
    ("instruction", "response", "found"),
    [
        ("abc", "a", None),
        ("abcde", "abcd", None),
        (" abc ", " a\n", None),
        ("ab", "a", "instruction of 2 characters, below 3"),
        ("abcdef", "a", "instruction of 6 characters, above 5"),
        ("abc", "  ", "response of 0 characters, below 1"),
        ("abc", "abcde", "response of 5 characters, above 4"),
    ],
)
def test_bounds(instruction: str, response: str, found: str | None) -> None:
    assert too_short_or_long(instruction, response, LIMITS) == found
