"""A real server of the page in a thread, for the tests marked `browser`."""

from __future__ import annotations

import socket
import threading

import uvicorn

from lamini.chatting.app import Defaults, build
from lamini.chatting.rounds import Rounds
from lamini.web.gate import Hosts
from lamini.web.serving import config_of, listening


class Live:
    """Serves until `end`."""

    def __init__(self, rounds: Rounds) -> None:
        """Listens when it returns."""
        self._listening = listening("127.0.0.1", 0)
        listener: socket.socket = self._listening.__enter__()
        port = listener.getsockname()[1]
        self.home = f"http://127.0.0.1:{port}"
        app = build(rounds, Hosts.of("127.0.0.1", port), Defaults(24, 0.0))
        self._server = uvicorn.Server(config_of(app))
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    def end(self) -> None:
        """Be away."""
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._listening.__exit__(None, None, None)
