"""What stands before every route: who may speak to the page from where, how much, and what answers forbid.

Against pages of other sites: the Host must be one of ours (a name that somebody re-points to 127.0.0.1 is
not), a post must come from our own origin, and posts carry a token of their session besides (app.py). Against
answers that are markup in disguise: the Content-Security-Policy lets only our own script and style files run,
allows no connection elsewhere, no frame, no form to another place and no script-made HTML.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lamini.web.addresses import is_address, is_wildcard

LARGEST = 64 * 1024  # bytes of a request's body
PATIENCE = 20.0  # seconds a body may take
LOOPBACK = ("127.0.0.1", "localhost", "::1")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # no-referrer would make the Origin of our own forms "null"
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """Under which names the page may be asked for."""

    names: frozenset[str]
    port: int
    addresses: bool = False  # any IP address besides: where the server listens on all of them

    @classmethod
    def of(cls, host: str, port: int) -> Hosts:
        """The names of a server that listens on `host`: this machine's, and `host` itself."""
        everywhere = is_wildcard(host)
        own = {socket.gethostname(), socket.getfqdn()} if everywhere else {host}
        return cls(frozenset(name.lower() for name in {*own, *LOOPBACK}), port, everywhere)

    def know(self, header: str) -> bool:
        """Whether a Host header is one of ours.

        >>> ours = Hosts(frozenset({"localhost"}), 8000)
        >>> [ours.know(host) for host in ("localhost:8000", "evil.example:8000")]
        [True, False]
        """
        try:
            parts = urlsplit(f"//{header}")
            name, port = parts.hostname, parts.port or 80
        except ValueError:
            return False
        if name is None or port != self.port or parts.netloc != header or parts.username is not None:
            return False
        return name in self.names or (self.addresses and is_address(name))


class Gate:
    """An ASGI application around ours."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        """Lets through to `app` what is asked under one of `hosts`."""
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # we have no sockets; closing refuses the handshake
            return await send({"type": "websocket.close", "code": 1008})
        app = self._refusal(scope["method"], Headers(scope=scope)) or self.app
        return await app(scope, _bounded(receive), _guarded(send))

    def _refusal(self, method: str, headers: Headers) -> ASGIApp | None:
        """What is answered in place of the page; None lets the request in."""
        host = headers.get("host", "")
        if not self.hosts.know(host):
            return PlainTextResponse("This page is not known under that name.", 421)
        if method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("Only GET and POST are answered.", 405)
        if method == "POST" and not _from_us(headers, host):
            return PlainTextResponse("Posts are taken from this page only, not from other sites.", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST:
            return PlainTextResponse(f"A request may have {LARGEST // 1024} KB at most.", 413)
        return None


def _from_us(headers: Headers, host: str) -> bool:
    """A browser says where a post comes from; without Origin only one that it vouches for is taken."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "same-origin"
    return origin.lower() == f"http://{host}".lower()


def _bounded(receive: Receive) -> Receive:
    """Count what comes, whatever was announced, and wait for it only so long."""
    taken, ended = 0, False

    async def bounded() -> Message:
        nonlocal taken, ended
        if ended:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), PATIENCE)
        except TimeoutError:
            raise HTTPException(408, "The request took too long.") from None
        taken += len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if taken > LARGEST:
            raise HTTPException(413, f"A request may have {LARGEST // 1024} KB at most.")
        return message

    return bounded


def _guarded(send: Send) -> Send:
    """Add the headers that every answer has."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("cache-control", "no-store")
            headers.update(HEADERS)
        await send(message)

    return guarded
