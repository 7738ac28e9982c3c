"""The study on its page: one link for each rater where one is needed, and how far it is at the end.

It listens on this machine alone unless `host` says otherwise, and then nobody comes in without the link that
is printed here. How the page is served: lamini/web/serving.py.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from lamini.errors import UserError
from lamini.rating.records import Refused, tidy
from lamini.rating.store import Store
from lamini.rating.web.app import build
from lamini.rating.web.sessions import Sessions, hash_of, secret_beside
from lamini.web.addresses import is_loopback
from lamini.web.gate import Hosts
from lamini.web.serving import address, listening, show, until_stopped


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
        here = address(host, port)
        made = {name: f"{here}/join/{token}" for name, token in _tokens(store, sessions, links).items()}
        _announce(here, made)
        if open_browser:
            show(next(iter(made.values())) if len(made) == 1 else here)
        until_stopped(build(store, secret, Hosts.of(host, port), bool(links)), listener)
    _farewell(store)
    return 0


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
