"""As much of a hub as a push needs: makes repositories, takes commits, says no to a wrong token."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hf_right"


class Hub:
    """What arrived."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.message = ""
        self.address = ""

    def application(self) -> Starlette:
        """The routes of a push."""
        return Starlette(
            routes=[
                Route("/api/repos/create", self.create, methods=["POST"]),
                Route("/api/validate-yaml", self.validate, methods=["POST"]),
                Route("/api/models/{user}/{name}/preupload/{revision}", self.sort, methods=["POST"]),
                Route("/api/models/{user}/{name}/commit/{revision}", self.commit, methods=["POST"]),
                Route("/api/models/{user}/{name}", self.about),
                Route("/api/models/{user}/{name}/revision/{revision}", self.about),
            ]
        )

    async def create(self, request: Request) -> Response:
        """A repository."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Invalid credentials"}, 401)
        told = await request.json()
        self.created.append(told)
        name = f"{told['organization']}/{told['name']}" if told.get("organization") else told["name"]
        return JSONResponse({"url": f"{self.address}/{name}", "name": name, "id": name})

    async def validate(self, request: Request) -> Response:
        """Every card is fine."""
        return JSONResponse({"errors": [], "warnings": []})

    async def sort(self, request: Request) -> Response:
        """All files travel within the commit."""
        files, how = (await request.json())["files"], {"uploadMode": "regular", "shouldIgnore": False}
        return JSONResponse({"files": [{"path": one["path"], **how} for one in files]})

    async def commit(self, request: Request) -> Response:
        """Lines of JSON: a header, then files."""
        for line in (await request.body()).splitlines():
            told = json.loads(line)
            if told["key"] == "header":
                self.message = told["value"]["summary"]
            else:
                self.files[told["value"]["path"]] = base64.b64decode(told["value"]["content"])
        url = f"{self.address}/me/x/commit/1"
        return JSONResponse({"commitUrl": url, "commitOid": "1" * 40, "success": True})

    async def about(self, request: Request) -> Response:
        """An empty repository."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Invalid credentials"}, 401)
        name = f"{request.path_params['user']}/{request.path_params['name']}"
        return JSONResponse({"id": name, "modelId": name, "sha": "0" * 40, "siblings": [], "tags": []})


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub on this machine."""
    hub = Hub()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hub.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(hub.application(), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield hub
        server.should_exit = True
        thread.join(30)
