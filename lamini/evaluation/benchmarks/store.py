"""Answers of one student in one wrapper, request by request, appended as they come.

A killed evaluation continues from here without computing anything again. A file of JSON lines, because a
line costs microseconds to write and a file of 100,000 a third of a second to read; a line that a kill cut is
skipped. What the name of the file stands for (weights, tokenizer, wrapper, libraries) is its first line.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from lm_eval.api.instance import Instance

from lamini.errors import UserError
from lamini.runs import reason

SECONDS = 0.5  # of work at most that a kill loses


class Answer(NamedTuple):
    """What lm-eval gets for a request: (log-probability, greedy), a text, or a sum of log-probabilities."""

    value: Any
    cut: bool = False  # the context was longer than the model


def request_key(kind: str, arguments: Iterable[Any], copy: int = 0) -> str:
    """32 hex digits of a request; `copy` numbers the repetitions of one that is sampled."""
    text = json.dumps([kind, list(arguments), copy], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def keys_of(requests: Iterable[Instance]) -> list[list[str]]:
    """The keys of each request: one, or where answers are sampled one for each repetition."""
    return [[request_key(r.request_type, r.args, copy) for copy in range(copies(r))] for r in requests]


def copies(request: Instance) -> int:
    """How many different answers to it are wanted."""
    sampled = request.request_type == "generate_until" and request.args[1].get("do_sample", False)
    return int(request.repeats or 1) if sampled else 1


class RequestStore:
    """A mapping from request keys to answers that survives its process."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """Read what is there; `about` is written as the first line of a new file.

        Raises:
            UserError: the file cannot be read or written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.found, whole = _read(path)
            self.file = path.open("a", encoding="utf-8")
            if not whole:
                self.file.write("\n")
            if self.file.tell() == 0:
                self.file.write(json.dumps({"about": about}) + "\n")
        except OSError as error:
            raise UserError(_sentence(path, error)) from error
        self.flushed = time.monotonic()

    def add(self, key: str, answer: Answer) -> None:
        """Keep an answer; it is on its way to the disk within `SECONDS` of work.

        Raises:
            UserError: the disk is full.
        """
        self.found[key] = answer
        try:
            self.file.write(json.dumps([key, answer.value, int(answer.cut)]) + "\n")
            if time.monotonic() - self.flushed > SECONDS:
                self.file.flush()
                self.flushed = time.monotonic()
        except OSError as error:
            raise UserError(_sentence(self.path, error)) from error

    def __enter__(self) -> RequestStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


def answers_in(path: Path) -> dict[str, Answer]:
    """What a store holds, read without touching it.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return _read(path)[0]
    except OSError as error:
        raise UserError(_sentence(path, error)) from error


def _read(path: Path) -> tuple[dict[str, Answer], bool]:
    """The answers of a file, if there is one; and whether its last line is whole."""
    found, line = dict[str, Answer](), "\n"
    if not path.exists():
        return found, True
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                key, value, cut = json.loads(line)
            except (ValueError, TypeError):
                continue  # the first line, or one that a kill cut
            found[key] = Answer(tuple(value) if isinstance(value, list) else value, bool(cut))
    return found, line.endswith("\n")


def _sentence(path: Path, error: OSError) -> str:
    return f"{path} cannot be used: {reason(error)}; set paths.cache_dir to a folder that can"
