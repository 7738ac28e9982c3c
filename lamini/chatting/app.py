"""The routes of the page.

    GET  /               the page
    GET  /students       who is loaded, as JSON
    POST /answers        one question; answered line by line (NDJSON) while the students speak (rounds.py)
    GET  /static/<name>  style, script and icon

Around them stands the gate of lamini/web: other sites can neither read the page nor post to it.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from lamini.chatting.asking import LONGEST_ANSWER, LONGEST_PROMPT, WARMEST, Question, Unfit, question_from
from lamini.chatting.rounds import Rounds
from lamini.web.gate import Gate, Hosts
from lamini.web.static import Static
from lamini.web.templates import templates

STATIC = Static("lamini.chatting", ("chat.css", "chat.js"))


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the page begins with."""

    max_new_tokens: int
    temperature: float


def build(rounds: Rounds, hosts: Hosts, defaults: Defaults) -> ASGIApp:
    """The application."""
    site = Site(rounds, defaults)
    routes = [
        Route("/", site.page),
        Route("/students", site.students),
        Route("/answers", site.answers, methods=["POST"]),
        Route("/static/{name}", STATIC.answer),
    ]
    handlers: dict[Any, Any] = {HTTPException: _refused}
    return Gate(Starlette(routes=routes, exception_handlers=handlers), hosts)


class Site:
    """The routes of one server."""

    def __init__(self, rounds: Rounds, defaults: Defaults) -> None:
        self.rounds, self.defaults = rounds, defaults
        self._token = secrets.token_urlsafe(24)  # in the page, which no other site can read

    def page(self, request: Request) -> Response:
        """The page, with the students as they are now."""
        html = templates("lamini.chatting").get_template("chat.html")
        return HTMLResponse(
            html.render(
                students=[speaker.seen() for speaker in self.rounds.speakers.all.values()],
                token=self._token, defaults=self.defaults, longest_answer=LONGEST_ANSWER,
                longest_prompt=LONGEST_PROMPT, warmest=WARMEST,
            )
        )  # fmt: skip

    def students(self, request: Request) -> Response:
        """How far each student is loaded."""
        return JSONResponse([speaker.seen() for speaker in self.rounds.speakers.all.values()])

    async def answers(self, request: Request) -> Response:
        """A question: its answers while they grow."""
        if not hmac.compare_digest(request.headers.get("x-form-token", "").encode(), self._token.encode()):
            raise HTTPException(403, "This page is of another start of chat.py; load it again.")
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            raise HTTPException(415, "A question is posted as application/json.")
        try:
            question = question_from(await request.body(), self.rounds.speakers.all)
        except Unfit as why:
            raise HTTPException(400, f"{why}.") from why
        return StreamingResponse(self._lines(question), media_type="application/x-ndjson")

    async def _lines(self, question: Question) -> AsyncIterator[bytes]:
        async with aclosing(self.rounds.ask(question)) as messages:  # who leaves stops the students at once
            async for message in messages:
                yield json.dumps(message).encode() + b"\n"


def _refused(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
