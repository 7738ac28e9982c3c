"""The files that the batch API takes: one request a line, and what a line of answers belongs to."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, Any
from uuid import uuid4

from lamini.teacher.protocol import Message, Request, Sampling

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000  # of one file, as OpenAI allows
INTENT = "intent-"
URL = "/v1/chat/completions"


@dataclass(slots=True)
class Sent:
    """A request in a file or batch, and the dollars that are reserved for it."""

    request: Request
    price: float


@dataclass
class Draft:
    """A file that grows on disk until it is sent; `most` requests at the most."""

    most: int = MOST_REQUESTS
    sent: dict[str, Sent] = field(default_factory=dict)
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    size: int = 0

    def takes(self, line: bytes) -> bool:
        """Whether another line fits."""
        return len(self.sent) < self.most and self.size + len(line) <= MOST_BYTES

    def add(self, key: str, sent: Sent, line: bytes) -> None:
        """Append a line."""
        self.file.write(line)
        self.size += len(line)
        self.sent[key] = sent


def new_intent() -> str:
    """A name for a batch that is about to be made, with the time in it."""
    return f"{INTENT}{int(time.time())}-{uuid4().hex}"


def line_of(key: str, request: Request, body: dict[str, Any]) -> bytes:
    """One request of a file; key and sample are its id, so that `request_in` can read it back."""
    line = {"custom_id": f"{key}-{request.sample}", "method": "POST", "url": URL, "body": body}
    return json.dumps(line).encode() + b"\n"


def key_in(line: dict[str, Any]) -> str:
    """The key of a line of any of the files."""
    return str(line["custom_id"]).split("-")[0]


def request_in(line: dict[str, Any]) -> Request:
    """The request that `line_of` wrote; what `teacher.extra` added to the body is no part of it."""
    body = line["body"]
    messages = tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])
    sampling = Sampling(body.get("temperature"), body.get("top_p"), body.get("max_tokens"))
    return Request(messages, sampling, int(str(line["custom_id"]).split("-")[1]))
