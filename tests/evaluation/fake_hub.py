"""A hub of one's own: the few endpoints that huggingface_hub asks for models and data sets, from memory."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Files = dict[str, bytes]


class Hub(ThreadingHTTPServer):
    """Repositories by "models/owner/name" or "datasets/owner/name"; `asked` is what was asked of it."""

    daemon_threads = True

    def __init__(self, repositories: dict[str, Files]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories = repositories
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(repositories: dict[str, Files]) -> Iterator[Hub]:
    """A hub as long as the block lasts."""
    hub = Hub(repositories)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers from memory."""

    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format: str, *arguments: Any) -> None:
        self.server.asked.append(f"{self.command} {self.path}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        wanted = json.loads(body) if body.startswith("{") else parse_qs(body)
        kind, owner, name, *rest = unquote(urlsplit(self.path).path).removeprefix("/api/").split("/")
        files = self.server.repositories.get(f"{kind}/{owner}/{name}")
        if files is None or not rest or rest[0] != "paths-info":
            self.missing("RepoNotFound" if files is None else "EntryNotFound")
            return
        found = [entry for entry in _tree(files) if entry["path"] in wanted["paths"]]
        self.send(json.dumps(found).encode(), "application/json")

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self.send(b"a hub", "text/plain")
        elif path.startswith("/api/"):
            self.api(*path.removeprefix("/api/").split("/"))
        else:
            parts = path.strip("/").split("/")
            parts = parts if parts[0] == "datasets" else ["models", *parts]
            kind, owner, name, resolve, _, *file = [*parts, *[""] * 5][: max(len(parts), 6)]
            self.file(f"{kind}/{owner}/{name}", "/".join(file) if resolve == "resolve" else "")

    def api(self, kind: str, owner: str = "", name: str = "", *rest: str) -> None:
        files = self.server.repositories.get(f"{kind}/{owner}/{name}")
        if files is None:
            self.missing("RepoNotFound")
        elif rest[:1] == ("tree",):
            inside = "/".join(rest[2:])
            entries = [e for e in _tree(files) if not inside or e["path"].startswith(inside + "/")]
            self.send(json.dumps(entries).encode(), "application/json")
        elif not rest or rest[0] == "revision":
            info = {
                "id": f"{owner}/{name}", "sha": COMMIT, "private": False, "gated": False, "disabled": False,
                "tags": ["license:mit"], "downloads": 0, "likes": 0,
                "siblings": [{"rfilename": file} for file in files],
            }  # fmt: skip
            self.send(json.dumps(info).encode(), "application/json")
        else:
            self.missing("EntryNotFound")

    def file(self, repository: str, file: str) -> None:
        files = self.server.repositories.get(repository)
        if files is None or file not in files:
            self.missing("RepoNotFound" if files is None else "EntryNotFound")
            return
        self.send(files[file], "application/octet-stream", hashlib.sha1(files[file]).hexdigest())

    def send(self, body: bytes, kind: str, tag: str = "") -> None:
        start = 0
        if (spread := self.headers.get("Range", "")).startswith("bytes="):
            first, _, last = spread.removeprefix("bytes=").partition("-")
            start, stop = int(first), int(last or len(body) - 1) + 1
            whole, body = len(body), body[start:stop]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{whole}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        if tag:
            self.send_header("ETag", f'"{tag}"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def missing(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _tree(files: Files) -> list[dict[str, Any]]:
    return [
        {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        for path, content in files.items()
    ]
