"""What the stages of a data set did, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counts:
    """What the stages did, by source."""

    instructions: Counter[str] = field(default_factory=Counter)
    short: dict[str, str] = field(default_factory=dict)  # sources that gave less than wanted, in words
    discarded: Counter[str] = field(default_factory=Counter)  # parts of answers that were no instruction
    repeats: Counter[str] = field(default_factory=Counter)  # exact ones among written instructions
    broken: Counter[str] = field(default_factory=Counter)  # rows that are no prompt or topic, by reason
    left_out: Counter[str] = field(default_factory=Counter)  # prompts in subsets too small to be examples
    unanswered: Counter[str] = field(default_factory=Counter)  # instructions without a response, by reason
    pairs: Counter[str] = field(default_factory=Counter)
