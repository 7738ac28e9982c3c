"""What pages share besides the gate (tests/rating/web/test_gate.py): files, addresses, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from lamini.web.serving import address
from lamini.web.static import Static

ROOT = Path(__file__).resolve().parents[2]
LINE = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route
from lamini.web.serving import listening, until_stopped

ended = asyncio.Event()

async def words():
    yield b"one\\n"
    await ended.wait()
    yield b"two\\n"

with listening("127.0.0.1", 0) as listener:
    print(listener.getsockname()[1], flush=True)
    app = Starlette(routes=[Route("/", lambda request: StreamingResponse(words()))])
    until_stopped(app, listener, ended.set)
"""


@pytest.mark.parametrize("package", ["lamini.rating", "lamini.chatting"])
def test_every_page_has_the_common_style_and_nothing_of_another(package: str) -> None:
    static = Static(
        *{
            "lamini.rating": ("lamini.rating.web", ("rate.css",)),
            "lamini.chatting": (package, ("chat.css", "chat.js")),
        }[package]
    )
    client = TestClient(Starlette(routes=[Route("/static/{name}", static.answer)]))
    assert b"--accent" in client.get("/static/base.css").content
    assert client.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"
    other = "chat.css" if package == "lamini.rating" else "rate.css"
    assert client.get(f"/static/{other}").status_code == 404
    tag = client.get("/static/base.css").headers["etag"]
    again = client.get("/static/base.css", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_addresses_as_others_write_them() -> None:
    assert address("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert address("::1", 8000) == "http://[::1]:8000"
    assert not address("0.0.0.0", 8000).startswith("http://0.0.0.0")


def test_a_long_answer_hears_of_the_end_and_ends_by_itself() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LINE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
            assert answer.readline() == b"one\n"
            process.send_signal(signal.SIGTERM)
            assert answer.readline() == b"two\n"
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
    finally:
        process.kill()
        process.communicate()
