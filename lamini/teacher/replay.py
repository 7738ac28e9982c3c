"""A teacher that only remembers: the answers of another one, from the request log.

It takes that teacher's kind and model, so that the same requests have the same keys. Its use is to build a
data set again, with another parser or other filters, on a machine without a key, a network or a GPU. What it
does not find is no failure of that teacher: ask with `remember=False`, so that the log does not keep it.
"""

from __future__ import annotations

from pathlib import Path

from lamini.errors import UserError
from lamini.teacher.log import RequestLog
from lamini.teacher.protocol import Answer, Request, Unanswerable


class Replayed:
    """The answers of `kind` and `model` in a log."""

    def __init__(self, kind: str, model: str, log: Path) -> None:
        """Open the log.

        Raises:
            UserError: there is none, or it holds nothing of that teacher.
        """
        self.kind, self.model = kind, model
        if not log.is_file():
            raise UserError(f"teacher=replay needs a request log, and there is none at {log}; set log=<file>")
        self._log = RequestLog(log)
        known = self._log.teachers()
        if (kind, model) not in known:
            self._log.close()
            names = " and ".join(f"teacher.kind={kind} teacher.model='{model}'" for kind, model in known)
            others = f"; it has {names}" if names else ", nor of any other teacher"
            raise UserError(f"{log} holds nothing of {kind} {model}{others}")

    async def answer(self, request: Request) -> Answer:
        """What the log holds.

        Raises:
            Unanswerable: nothing, or a failure.
        """
        key = request.key(self.kind, self.model)
        entry = self._log.get([key]).get(key)
        if entry is None or entry.answer is None:
            said = entry.failure if entry is not None and entry.failure else "it was never asked"
            raise Unanswerable("not_in_log", said)
        return entry.answer

    async def close(self) -> None:
        """Close the log."""
        self._log.close()
