"""The server process: it says where it is, ends cleanly, and says in one sentence why it does not start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.rating.store import Event, Store
from lamini.rating.web.serving import serve
from tests.rating.small import study

ROOT = Path(__file__).resolve().parents[3]
LINE = """
import sys
from pathlib import Path
from lamini.rating.store import Store
from lamini.rating.web.serving import serve
path, host, port, *links = sys.argv[1:]
with Store.open(Path(path)) as store:
    sys.exit(serve(store, host=host, port=int(port), links=links))
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "ratings.sqlite", study())


@contextmanager
def running(
    store: Store, host: str = "127.0.0.1", *links: str
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A server process, and what it said until it was ready."""
    line = [sys.executable, "-c", LINE, str(store.path), host, "0", *links]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
    try:
        assert process.stdout is not None
        said = []
        while not said or "Ctrl+C" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], process.communicate()[1]
        yield process, said
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_says_how_far_the_study_is(store: Store, number: int) -> None:
    with running(store) as (process, said):
        address = re.findall(r"Rate at (http://127\.0\.0\.1:\d+)\n", "".join(said))[0]
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.status == 200 and "server" not in {name.lower() for name in answer.headers}
        ann, item = store.join("Ann"), store.study.items[0]
        store.rate(Event("1", ann.id, item.key, item.targets[0].key, "A"))
        store.rate(Event("2", ann.id, item.key, item.targets[1].key, None, note="only a note"))
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and err == ""
    assert f"1 ratings by 1 raters, 1 of 15 rated at least once, in {store.path}; to go on: python" in out


def test_links_are_printed_and_stay_the_same(store: Store) -> None:
    with running(store, "0.0.0.0", "Ann", "Bob  B") as (_, said):
        first = re.findall(r"^  (.+?)\s+http://[\w.]+:\d+/join/([\w-]{32})$", "".join(said), re.MULTILINE)
    with running(store, "0.0.0.0", "Ann", "Bob B") as (_, said):
        second = re.findall(r"^  (.+?)\s+http://[\w.]+:\d+/join/([\w-]{32})$", "".join(said), re.MULTILINE)
    assert first == second and [name for name, _ in first] == ["Ann", "Bob B"]
    assert {rater.name for rater in store.raters()} == {"Ann", "Bob B"}
    tokens = [token for _, token in first]
    assert not any(token.encode() in store.path.read_bytes() for token in tokens), "hashes only"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "a-machine"])
def test_other_machines_need_links(store: Store, host: str) -> None:
    with pytest.raises(UserError, match=rf"host={host} lets other machines in, so each rater needs a link"):
        serve(store, host=host, port=0)


def test_a_port_that_is_taken(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"port={port} of 127.0.0.1 is taken, .* or 0 for a free one"):
            serve(store, host="127.0.0.1", port=port)


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("localhsot", 0, "host=localhsot is no address of this machine; did you mean localhost"),
        ("192.0.2.77", 0, "host=192.0.2.77 is no address of this machine; 127.0.0.1 is this machine alone"),
        ("127.0.0.1", 70_000, "host=127.0.0.1 port=70000 cannot be listened on"),
    ],
)
def test_an_address_that_is_none(store: Store, host: str, port: int, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        serve(store, host=host, port=port, links=("Ann",))


def test_names_that_cannot_have_links(store: Store) -> None:
    with pytest.raises(UserError, match="raters names Ann twice"):
        serve(store, host="127.0.0.1", port=0, links=("Ann", " Ann "))
    with pytest.raises(UserError, match="raters: a rater needs a name"):
        serve(store, host="127.0.0.1", port=0, links=(" ",))
    store.join("model", kind="judge")
    with pytest.raises(UserError, match="raters: model is the name of a judge"):
        serve(store, host="127.0.0.1", port=0, links=("model",))


def test_a_port_that_needs_more_rights(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refused)
    with pytest.raises(UserError, match="port=80 may not be opened by this user; choose one above 1023"):
        serve(store, host="127.0.0.1", port=80)
