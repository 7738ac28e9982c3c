"""Requests and rows of the request log as lines of JSON: what workers are given and what they give back.

ASCII only, so that half a surrogate pair, which SQLite would not take as text, comes through as it is.
"""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from lamini.teacher.log import Entry, Row
from lamini.teacher.protocol import Answer, Message, Request, Sampling


def request_line(request: Request) -> str:
    """A request as one line, its end included."""
    return _line(_request(request))


def request_in(line: str) -> Request:
    """The request of a line.

    Raises:
        ValueError, TypeError: it is none.
    """
    return _asked(json.loads(line))


def row_line(row: Row) -> str:
    """A row of the log as one line, its end included."""
    entry = row.entry
    answer = None if entry.answer is None else astuple(entry.answer)
    found = [answer, entry.failure, entry.final]
    return _line([row.key, row.kind, row.model, _request(row.request), found, row.tries, row.batched])


def row_in(line: str) -> Row:
    """The row of a line.

    Raises:
        ValueError, TypeError: it is none.
    """
    key, kind, model, request, (answer, failure, final), tries, batched = json.loads(line)
    entry = Entry(None if answer is None else Answer(*answer), failure, final)
    return Row(key, kind, model, _asked(request), entry, tries, batched)


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def _request(request: Request) -> list[Any]:
    turns = [[message.role, message.content] for message in request.messages]
    return [turns, list(astuple(request.sampling)), request.sample]


def _asked(values: Any) -> Request:
    turns, sampling, sample = values
    return Request(tuple(Message(role, content) for role, content in turns), Sampling(*sampling), sample)
