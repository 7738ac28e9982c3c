"""A scripted HTTP server on loopback: what an OpenAI-compatible endpoint answers, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

STALL, RESET = "stall", "reset"


@dataclass
class Reply:
    """One answer; `fault`: stall for ever or reset the connection; `promised`: more bytes than come."""

    body: bytes | dict[str, Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    promised: int = 0

    def bytes(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        headers["Content-Length"] = str(self.promised or len(body))
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Seen:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Endpoint:
    """Gives its replies one after the other, the last one for ever; `models` answers GET /models."""

    def __init__(self, *replies: Reply, models: Reply | None = None) -> None:
        self.replies, self.models = list(replies), models or Reply(b"", 404)
        self.seen: list[Seen] = []
        self.url = ""

    def reply(self, seen: Seen) -> Reply:
        if seen.line.startswith("GET"):
            return self.models
        self.seen.append(seen)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = (line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                reply = self.reply(Seen(head[0], headers, body))
                if reply.fault == STALL:
                    await asyncio.sleep(60)
                if reply.fault == RESET:
                    writer.transport.abort()
                    return
                writer.write(reply.bytes())
                await writer.drain()
                if reply.promised:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(endpoint: Endpoint) -> AsyncIterator[Endpoint]:
    """Serve on a free port while the block runs."""
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield endpoint
    finally:
        server.close()


def completion(text: str | None = "Paris.", finish: str | None = "stop", **more: Any) -> Reply:
    """A chat completion as OpenAI writes it."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    body: dict[str, Any] = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m-0301", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }  # fmt: skip
    return Reply(body | more)


def error(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": {"message": message, "type": "x", "code": code}}, status, named)
