"""What workers have asked for the line at hand: with force=true it is not thrown away and asked again.

Set by lamini/evaluation/running.py, as `place` of lamini/evaluation/progress.py is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a worker generated: answers, their tokens, the seconds it took."""

    answers: int
    tokens: int
    seconds: float


Asked = Mapping[str, Cost | None]
"""Name of a store of requests, or of a setting of answers -> what it cost, where that is told."""

filled: ContextVar[Asked] = ContextVar("filled", default={})  # noqa: B039  never changed


def again(force: bool, name: str) -> bool:
    """Whether what is stored under a name is to be asked again."""
    return force and name not in filled.get()
