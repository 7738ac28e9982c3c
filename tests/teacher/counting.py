"""A real OpenAI-compatible endpoint on loopback: it answers as the oracle does and counts calls."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lamini.teacher.embedded import Embedded
from lamini.teacher.protocol import Message, Request, Unanswerable


class Counting:
    """`calls` by what was asked; `heard` is called with their number, before the answer goes out."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.heard: Callable[[int], object] = lambda calls: None
        self.calls: Counter[str] = Counter()
        self.flying = self.most = 0
        self.lock = threading.Lock()
        self.oracle = Embedded("oracle", 0.0)
        self.url = ""

    def answer(self, messages: list[dict[str, str]]) -> str:
        text = json.dumps(messages)
        with self.lock:
            self.calls[text] += 1
            self.flying += 1
            self.most = max(self.most, self.flying)
            calls = self.calls.total()
        self.heard(calls)
        time.sleep(self.delay)
        request = Request(tuple(Message(one["role"], one["content"]) for one in messages))  # type: ignore[arg-type]
        try:
            return asyncio.run(self.oracle.answer(request)).text
        except Unanswerable:
            return "I do not know."
        finally:
            with self.lock:
                self.flying -= 1


@contextmanager
def counting(delay: float = 0.0) -> Iterator[Counting]:
    """Serve on a free port while the block runs."""
    endpoint = Counting(delay)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = endpoint.answer(asked["messages"])
            words = sum(len(message["content"].split()) for message in asked["messages"])
            usage = {"prompt_tokens": words, "completion_tokens": len(text.split())}
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            body = json.dumps({
                "id": "1", "object": "chat.completion", "created": 1, "model": asked["model"],
                "usage": {**usage, "total_tokens": sum(usage.values())}, "choices": [choice],
            }).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: object, client_address: object) -> None:
            """Who was killed reads no answer."""

    server = Server(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
