"""What a teacher is: messages go in; text, finish reason and token usage come out.

One small asynchronous protocol, so that a paid endpoint, local weights, the embedded oracle and a replayed
log are driven, logged and counted by the same code. A teacher answers one request or says why not, in one of
three ways: `Transient` is worth another try, `Unanswerable` concerns this request alone, `UserError` ends the
job. It never retries and never logs: `asking` does, for all of them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]
STOP, LENGTH, FILTERED = "stop", "length", "content_filter"  # finish reasons that all teachers share


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn; None leaves a number to the teacher, as the paper did (App. B)."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `sample` tells several answers to the same question apart, from 0."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    sample: int = 0

    def key(self, teacher: str, model: str) -> str:
        """32 hex digits over everything that decides the answer: the name under which it is paid for once.

        >>> Request((Message("user", "hi"),)).key("openai", "m")
        'dad4becb93483c93f31ac216170c44c3'
        """
        content = json.dumps([teacher, model, *asdict(self).values()], ensure_ascii=False)
        return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `raw` is the teacher's own record: a changed parser needs no second call."""

    text: str
    finish: str  # stop, length, content_filter, or the teacher's own word
    prompt_tokens: int | None
    response_tokens: int | None
    model: str  # as the teacher names itself, with its snapshot
    raw: str = ""


class Transient(Exception):
    """Worth another try: a rate limit, a server error, a time-out, a cut answer.

    `kind` is one word to count by; `after` the seconds the server asked to wait.
    """

    def __init__(self, kind: str, detail: str, after: float | None = None) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind, self.after = kind, after


class Unanswerable(Exception):
    """This request will never be answered (too long, refused by a filter); the others will."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class Teacher(Protocol):
    """Answers requests; `kind` and `model` name it in the request log."""

    kind: str
    model: str

    async def answer(self, request: Request) -> Answer:
        """One answer.

        Raises:
            Transient, Unanswerable: see there.
            UserError: the whole job is wrong: no such model, a refused key, an endpoint that is none.
        """

    async def close(self) -> None:
        """Give back connections and memory."""


def log_name(model: str, settings: dict[str, Any]) -> str:
    """The model's name in the log: with the settings that change its answers.

    >>> log_name("m", {}), log_name("m", {"top_k": 5})
    ('m', 'm {"top_k": 5}')
    """
    return f"{model} {json.dumps(settings, sort_keys=True)}" if settings else model
