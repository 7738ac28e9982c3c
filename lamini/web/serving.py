"""The server process of a local page: a socket, uvicorn, and a clean end.

The transport is plain HTTP: across a network that others share, put a tunnel around it
(`ssh -L 8000:127.0.0.1:8000 <machine>` needs no open host at all).
"""

from __future__ import annotations

import difflib
import errno
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn

from lamini.errors import UserError
from lamini.runs import reason
from lamini.web.addresses import is_wildcard

CONNECTIONS = 1000  # at once; more are told to come back
GRACE = 3  # seconds that requests under way get at the end


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there; port 0 takes any that is free.

    Raises:
        UserError: the port is taken, needs more rights, or the address is none of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=512)
        # asyncio does this for its own sockets only; without it answers wait 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UserError(_why_not(host, port, error)) from error
    with listener:
        yield listener


def _why_not(host: str, port: int, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror) or code == errno.EADDRNOTAVAIL:
        close = difflib.get_close_matches(host, ["localhost", "127.0.0.1", "0.0.0.0"], 1, 0.75)
        hint = (
            f"did you mean {close[0]}?" if close else "127.0.0.1 is this machine alone, 0.0.0.0 all addresses"
        )
        return f"host={host} is no address of this machine; {hint}"
    if code == errno.EADDRINUSE:
        return (
            f"port={port} of {host} is taken, perhaps by another page of ours; choose another, or 0 for a"
            " free one"
        )
    if code in (errno.EACCES, errno.EPERM):
        return f"port={port} may not be opened by this user; choose one above 1023, or 0 for a free one"
    said = reason(error) if isinstance(error, OSError) else str(error)
    return f"host={host} port={port} cannot be listened on ({said}); 127.0.0.1 and a port up to 65535 work"


def config_of(app: object) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11", ws="none", log_level="warning", access_log=False,  # links are no matter for a log
        proxy_headers=False, server_header=False, limit_concurrency=CONNECTIONS, timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE, h11_max_incomplete_event_size=16 * 1024,
    )  # fmt: skip


class _Server(uvicorn.Server):
    """Tells of the signal before requests under way are waited for."""

    ending: Callable[[], object] = staticmethod(lambda: None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self.ending()
        super().handle_exit(sig, frame)


def until_stopped(app: object, listener: socket.socket, ending: Callable[[], object] = lambda: None) -> None:
    """Serve until Ctrl+C or SIGTERM; `ending` is called at once then, so that long answers can end.

    uvicorn raises the signal again when it is done, which is the end we wait for.
    """

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        server = _Server(config_of(app))
        server.ending = ending
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def address(host: str, port: int) -> str:
    """Where others find a server that listens there."""
    if is_wildcard(host):
        host = _outward(socket.AF_INET6 if ":" in host else socket.AF_INET)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def show(place: str) -> None:
    """Open it in the browser, some of which make one wait."""
    threading.Thread(target=webbrowser.open, args=(place,), daemon=True).start()


def _outward(family: socket.AddressFamily) -> str:
    """This machine's address in its network; nothing is sent to find it."""
    target = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
