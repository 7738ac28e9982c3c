"""What came of one student and one suite: a line of the table at the end. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field

from lamini.errors import UserError


@dataclass(frozen=True)
class Outcome:
    """`status` is done, skipped (was done before), or failed with an `error`."""

    name: str
    status: str
    numbers: dict[str, float] = field(default_factory=dict)  # column -> value, shares between 0 and 1
    error: str | None = None
    failed: dict[str, str] = field(default_factory=dict)  # parts that failed (tasks) -> why

    @property
    def ok(self) -> bool:
        """Whether nothing of it failed."""
        return self.status != "failed" and not self.failed


class TaskError(UserError):
    """Something of one task that a student cannot be asked; its other tasks are not touched by it."""

    def __init__(self, task: str, message: str) -> None:
        super().__init__(message)
        self.task = task
