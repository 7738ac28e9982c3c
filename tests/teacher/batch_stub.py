"""A provider's batch API on loopback: files, batches, and answers as a test scripts them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Line = dict[str, Any]


def good(line: Line) -> Line:
    """The answer to a line: its last message in capitals."""
    body = line["body"]
    message = {"role": "assistant", "content": body["messages"][-1]["content"].upper()}
    completion = {
        "model": "m-0301", "usage": {"prompt_tokens": 10, "completion_tokens": 4},
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }  # fmt: skip
    return {
        "custom_id": line["custom_id"],
        "response": {"status_code": 200, "body": completion},
        "error": None,
    }


def bad(line: Line, status: int, message: str, code: str = "x") -> Line:
    """A line of the error file."""
    body = {"error": {"message": message, "code": code}}
    return {"custom_id": line["custom_id"], "response": {"status_code": status, "body": body}, "error": None}


class Provider:
    """Batches end at the `polls`-th look; `answer` gives the result of a line, or None for none."""

    def __init__(self, answer: Callable[[Line], Line | None] = good, polls: int = 1) -> None:
        self.answer, self.polls = answer, polls
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []  # custom ids of all batches
        self.lose_next = False  # make the batch, and lose the connection
        self.ending: tuple[str, str] = ("completed", "")  # status, and code of its error
        self.url = ""

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        file = form["file"]
        assert isinstance(file, web.FileField)
        return web.json_response(self.described(self.store(file.file.read())))

    def store(self, content: bytes) -> str:
        id = f"file-{len(self.files)}"
        self.files[id] = content
        return id

    def described(self, id: str) -> dict[str, Any]:
        return {"id": id, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch",
                "status": "processed"}  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        id = f"batch_{len(self.batches)}"
        self.batches[id] = {
            "id": id, "object": "batch", "endpoint": asked["endpoint"], "completion_window": "24h",
            "created_at": int(time.time()), "status": "in_progress", "input_file_id": asked["input_file_id"],
            "metadata": asked["metadata"], "looks": 0,
        }  # fmt: skip
        self.asked += [line["custom_id"] for line in self.lines(id)]
        if self.lose_next:
            self.lose_next = False
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(self.batches[id])

    def lines(self, id: str) -> list[Line]:
        return [json.loads(line) for line in self.files[self.batches[id]["input_file_id"]].splitlines()]

    async def retrieve(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        batch["looks"] += 1
        if batch["looks"] >= self.polls and batch["status"] == "in_progress":
            batch["status"], code = self.ending
            if code:
                batch["errors"] = {"object": "list", "data": [{"code": code, "message": "no"}]}
                self.ending = ("completed", "")
            else:
                self.finish(batch)
        return web.json_response(batch)

    def finish(self, batch: dict[str, Any]) -> None:
        results = [result for line in self.lines(batch["id"]) if (result := self.answer(line))]
        for name, ok in (("output_file_id", True), ("error_file_id", False)):
            kept = [r for r in results if (r["response"]["status_code"] == 200) == ok]
            if kept:
                batch[name] = self.store("".join(json.dumps(r) + "\n" for r in kept).encode())

    async def listed(self, request: web.Request) -> web.Response:
        newest_first = list(self.batches.values())[::-1]
        return web.json_response({"object": "list", "data": newest_first, "has_more": False})

    async def content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])


@asynccontextmanager
async def providing(provider: Provider) -> AsyncIterator[Provider]:
    """Serve on a free port while the block runs."""
    app = web.Application(client_max_size=2**30)
    app.add_routes([
        web.post("/v1/files", provider.upload), web.get("/v1/files/{id}/content", provider.content),
        web.post("/v1/batches", provider.create), web.get("/v1/batches", provider.listed),
        web.get("/v1/batches/{id}", provider.retrieve),
    ])  # fmt: skip
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield provider
    finally:
        await runner.cleanup()
