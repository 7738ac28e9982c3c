"""The scale of each sheet, as scales.yaml words it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from lamini.rating.study import Level, Scale

WORDS = Path(__file__).with_name("scales.yaml")


@lru_cache
def scale_of(sheet: str) -> Scale:
    """What raters of a sheet choose from; paper appendix C (A to D), section 6 (rejected or not).

    >>> scale_of("responses").letters
    ('A', 'B', 'C', 'D')
    """
    told = yaml.safe_load(WORDS.read_text(encoding="utf-8"))[sheet]
    levels = tuple(Level(letter, name, criteria) for letter, (name, criteria) in told["levels"].items())
    return Scale(told["name"], told["question"], levels, told["ordinal"])
