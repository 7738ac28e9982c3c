"""A moderation endpoint on loopback: flags texts with one word, or answers what a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.evaluation.toxicity.toys import BAD

Reply = tuple[int, Any]
"""Status, and a body: JSON, or bytes as they are."""


def result(flagged: bool, scores: dict[str, float]) -> Reply:
    """A verdict as OpenAI writes it."""
    one = {"flagged": flagged, "categories": dict.fromkeys(scores, flagged), "category_scores": scores}
    return 200, {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [one]}


def verdict(text: str) -> Reply:
    """What the endpoint says of a text."""
    bad = BAD in text.lower()
    return result(bad, {"harassment": 0.8 if bad else 0.01, "violence": 0.3 if bad else 0.02})


def refusal(status: int, message: str) -> Reply:
    """An error as OpenAI writes it."""
    return status, {"error": {"message": message, "type": "invalid_request_error", "code": None}}


class Endpoint:
    """What was asked, with which headers; `reply` decides what comes back."""

    def __init__(self, reply: Callable[[str], Reply]) -> None:
        self.reply = reply
        self.texts: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.url = ""


@contextmanager
def serving(reply: Callable[[str], Reply] = verdict) -> Iterator[Endpoint]:
    """Serve on a free port while the block runs."""
    endpoint = Endpoint(reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(404, {"error": {"message": "no list"}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/moderations"
            endpoint.texts.append(body["input"])
            endpoint.bodies.append(body)
            endpoint.keys.add(self.headers["Authorization"])
            self._send(*endpoint.reply(body["input"]))

        def _send(self, status: int, body: Any) -> None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
