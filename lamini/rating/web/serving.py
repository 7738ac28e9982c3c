"""The server process: a socket, one link for each rater where one is needed, and a clean end.

It listens on this machine alone unless `host` says otherwise, and then nobody comes in without the link that
is printed here. The transport is plain HTTP: across a network that others share, put a tunnel around it
(`ssh -L 8000:127.0.0.1:8000 <machine>` needs no open host at all).
"""

from __future__ import annotations

import difflib
import errno
import os
import shlex
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn

from lamini.errors import UserError
from lamini.rating.addresses import is_loopback, is_wildcard
from lamini.rating.records import Refused, tidy
from lamini.rating.store import Store
from lamini.rating.web.app import build
from lamini.rating.web.gate import Hosts
from lamini.rating.web.sessions import Sessions, hash_of, secret_beside
from lamini.runs import reason

CONNECTIONS = 1000  # at once; more are told to come back
GRACE = 3  # seconds that requests under way get at the end


def serve(
    store: Store, *, host: str, port: int, links: Sequence[str] = (), open_browser: bool = False
) -> int:
    """Serve until Ctrl+C or SIGTERM; returns the exit status.

    With `links`, names of raters, each gets a link of its own and nobody comes in by name. The links stay the
    same from start to start.

    Raises:
        UserError: another machine could come in without a link, the address cannot be listened on, two raters
            of one name, or the ratings cannot be written.
    """
    if not links and not is_loopback(host):
        raise UserError(
            f"host={host} lets other machines in, so each rater needs a link of their own: raters='[ann,bob]'"
            " or raters=<number> makes them; host=127.0.0.1 serves this machine alone"
        )
    with listening(host, port) as listener:
        port = listener.getsockname()[1]
        secret = secret_beside(store.path)
        sessions = Sessions(secret, store.study.digest)
        here = f"http://{_shown(host)}:{port}"
        made = {name: f"{here}/join/{token}" for name, token in _tokens(store, sessions, links).items()}
        _announce(here, made)
        if open_browser:
            address = next(iter(made.values())) if len(made) == 1 else here
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()  # some wait
        _run(uvicorn.Server(config_of(build(store, secret, Hosts.of(host, port), bool(links)))), listener)
    _farewell(store)
    return 0


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
            f"port={port} of {host} is taken, perhaps by another rate.py; choose another, or 0 for a free one"
        )
    if code in (errno.EACCES, errno.EPERM):
        return f"port={port} may not be opened by this user; choose one above 1023, or 0 for a free one"
    said = reason(error) if isinstance(error, OSError) else str(error)
    return f"host={host} port={port} cannot be listened on ({said}); 127.0.0.1 and a port up to 65535 work"


def _tokens(store: Store, sessions: Sessions, names: Sequence[str]) -> dict[str, str]:
    """Name -> token of each rater, who is in the store from now on."""
    tokens: dict[str, str] = {}
    for name in names:
        try:
            name = tidy(name)
            if name in tokens:
                raise UserError(f"raters names {name} twice; each rater needs a name of their own")
            tokens[name] = sessions.link_token(name)
            store.join(name, hash_of(tokens[name]))
        except Refused as why:
            raise UserError(f"raters: {why}") from why
    return tokens


def _announce(here: str, links: dict[str, str]) -> None:
    if links:
        print("One link for each rater; who has it is that rater:")
        width = max(map(len, links))
        print("\n".join(f"  {name:<{width}}  {link}" for name, link in links.items()))
    else:
        print(f"Rate at {here}")
    print("Ctrl+C ends; nothing that was rated is lost.", flush=True)


def config_of(app: object) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11", ws="none", log_level="warning", access_log=False,  # links are no matter for a log
        proxy_headers=False, server_header=False, limit_concurrency=CONNECTIONS, timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE, h11_max_incomplete_event_size=16 * 1024,
    )  # fmt: skip


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until a signal; uvicorn raises it again when it is done, which is the end we wait for."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _farewell(store: Store) -> None:
    people = {rater.id for rater in store.raters() if rater.kind == "person"}
    settled = [rating for rating in store.current() if rating.rater in people and rating.settled]
    wanted = sum(len(item.targets) for item in store.study.items)
    rated = len({rating.target for rating in settled})
    print(
        f"\n{len(settled)} ratings by {len({one.rater for one in settled})} raters, {rated} of {wanted} rated"
        f" at least once, in {store.path}; to go on: {_line()}",
        flush=True,
    )


def _line() -> str:
    """The line that started this."""
    return shlex.join(["python", os.path.basename(sys.argv[0]), *sys.argv[1:]])


def _shown(host: str) -> str:
    """The host as others write it in an address."""
    if is_wildcard(host):
        host = _outward(socket.AF_INET6 if ":" in host else socket.AF_INET)
    return f"[{host}]" if ":" in host else host


def _outward(family: socket.AddressFamily) -> str:
    """This machine's address in its network; nothing is sent to find it."""
    target = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
