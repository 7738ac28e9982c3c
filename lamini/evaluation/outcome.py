"""What came of one student and one suite: a line of the table at the end. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """`status` is done, skipped (was done before), or failed with an `error`."""

    name: str
    status: str
    numbers: dict[str, float] = field(default_factory=dict)  # column -> value, shares between 0 and 1
    error: str | None = None
    failed: dict[str, str] = field(default_factory=dict)  # parts that failed (tasks) -> why
