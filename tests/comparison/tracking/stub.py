"""A W&B server on this machine, as far as `wandb sync`, `wandb.init`, `wandb agent` and wandb-workspaces ask.

GraphQL by the name of its operation, the file stream by the offsets of its lines, uploads by PUT. What
arrives is kept as a server would keep it: `Server.runs` by id, `Server.views` by name. A wrong key gets 401.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.comparison.tracking.graphql import Answers, Run, Tree

KEY = "a1b2c3d4" * 5


class Server(Answers, ThreadingHTTPServer):
    """`url` is WANDB_BASE_URL."""

    daemon_threads = True

    def __init__(self) -> None:
        Answers.__init__(self)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), Handler)
        self.guard = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.stored: dict[str, bytes] = {}  # uploads by path

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that speaks to this server only."""
        return {
            "WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY, "WANDB_ERROR_REPORTING": "false",
            "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
        }  # fmt: skip

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of ours; any other error is an answer we owe."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.unknown.append(repr(error))

    def stream(self, run_id: str, body: Tree) -> None:
        """Lines go where their offsets say; a run that says so is complete."""
        run = self.runs.setdefault(run_id, Run(run_id))
        for name, chunk in (body.get("files") or {}).items():
            lines = run.files.setdefault(name, {})
            lines.update(enumerate(chunk["content"], chunk["offset"]))
        run.uploaded.update(body.get("uploaded") or [])
        if body.get("complete"):
            run.complete, run.exit_code = True, body.get("exitcode")


class Handler(BaseHTTPRequestHandler):
    """Routes."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self._body()
        if self.headers.get("Authorization") != _basic(KEY):
            return self._send(401, {"errors": [{"message": "invalid API key"}]})
        told = json.loads(body or b"{}")
        with self.server.guard:
            if self.path.endswith("/graphql"):
                data = self.server.answer(told["query"], told.get("variables") or {})
                return self._send(*((200, {"data": data}) if data is not None else (400, _no_answer())))
            stream = re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path)
            if stream:
                self.server.stream(stream.group(1), told)
                return self._send(200, {"exitcode": None, "limits": {}})
            self.server.unknown.append(self.path)
        return self._send(404, {})

    def do_PUT(self) -> None:
        with self.server.guard:
            self.server.stored[self.path.removeprefix("/stored/")] = self._body()
        self._send(200, {})

    def do_GET(self) -> None:
        self.server.unknown.append(self.path)
        self._send(404, {})

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _send(self, status: int, tree: Tree) -> None:
        body = json.dumps(tree).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silent."""


def _basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"api:{key}".encode()).decode()


def _no_answer() -> Tree:
    return {"data": None, "errors": [{"message": "this stub has no answer"}]}


@contextmanager
def serving() -> Iterator[Server]:
    """The server, in a thread, until the block ends."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
