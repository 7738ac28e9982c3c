"""A real browser and a real server for the tests marked `browser`."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from lamini.rating.store import Store
from lamini.rating.web.app import build
from lamini.web.gate import Hosts
from lamini.web.serving import config_of, listening
from tests.rating.web.visitor import SECRET

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's chromium, driven by playwright; skips where one of them is not there."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium here (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="no playwright here (pip install playwright)")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


class Live:
    """A server in a thread, which can go away and come back at the same address."""

    def __init__(self, store: Store) -> None:
        """Begins to serve."""
        self.store, self.port = store, 0
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
        app = build(self.store, SECRET, Hosts.of("127.0.0.1", self.port), False)
        self._server = uvicorn.Server(config_of(app))
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    def end(self) -> None:
        """Be away."""
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._listening.__exit__(None, None, None)
