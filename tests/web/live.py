"""A real server of a page in a thread, for the tests marked `browser`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from lamini.web.gate import Hosts
from lamini.web.serving import config_of, listening


class Served:
    """Serves what `build` makes for its address; can go away and come back there."""

    def __init__(self, build: Callable[[Hosts], ASGIApp]) -> None:
        """Listens when it returns."""
        self.build, self.port = build, 0
        self.begin()

    @property
    def home(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Serve; returns when it listens."""
        self._listening = listening("127.0.0.1", self.port)
        listener: socket.socket = self._listening.__enter__()
        self.port = listener.getsockname()[1]
        app = self.build(Hosts.of("127.0.0.1", self.port))
        self._server = uvicorn.Server(config_of(app))
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    def end(self) -> None:
        """Be away."""
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._listening.__exit__(None, None, None)
