"""What the gate lets in: our own names, our own pages, small requests; and what every answer forbids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lamini.web.gate import HEADERS, LARGEST, Hosts
from tests.rating.small import study
from tests.rating.web.visitor import HOME, Visitor, site


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return site(tmp_path, study())[1]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"])
def test_our_own_names(app: Any, host: str) -> None:
    assert TestClient(app, base_url=HOME).get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example:8000", "127.0.0.1", "127.0.0.1:8001", "localhost.evil.example:8000", "10.0.0.7:8000", "",
     "user@localhost:8000", "localhost:8000/x", "localhost:99999",
     "localhost:8000.evil.example", "[::1:8000"],
)  # fmt: skip
def test_a_name_that_somebody_points_here_is_refused(app: Any, host: str) -> None:
    answer = TestClient(app, base_url=HOME).get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


def test_a_server_on_all_addresses_is_known_by_any_address_and_no_foreign_name() -> None:
    hosts = Hosts.of("0.0.0.0", 8000)
    assert hosts.know("192.168.7.9:8000") and hosts.know("localhost:8000") and hosts.know("[fe80::1]:8000")
    assert not hosts.know("evil.example:8000") and not hosts.know("192.168.7.9:80")
    assert not Hosts.of("192.168.7.9", 8000).know("192.168.7.8:8000")
    assert Hosts.of("127.0.0.1", 80).know("127.0.0.1")


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "https://127.0.0.1:8000"},
     {"origin": "http://127.0.0.1:8001"}, {}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/ratings", "/join", "/leave"])
def test_posts_of_other_pages_are_refused(app: Any, path: str, headers: dict[str, str]) -> None:
    visitor = Visitor(app, "Ann")
    del visitor.client.headers["origin"]
    answer = visitor.client.post(
        path, json=visitor.event(), headers={"x-form-token": visitor.form, **headers}
    )
    assert answer.status_code == 403 and "other sites" in answer.text


def test_a_post_that_the_browser_vouches_for_is_taken(app: Any) -> None:
    visitor = Visitor(app, "Ann")
    del visitor.client.headers["origin"]
    assert visitor.rate("B").status_code == 403
    assert visitor.post(visitor.event(), **{"sec-fetch-site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(app: Any, method: str) -> None:
    assert TestClient(app, base_url=HOME).request(method, "/rate").status_code == 405


def test_requests_are_small_whatever_they_announce(app: Any) -> None:
    visitor = Visitor(app, "Ann")
    assert visitor.post(visitor.event(note="x" * LARGEST)).status_code == 413

    def pieces() -> Any:
        yield from [b"[" * 4096] * (LARGEST // 4096 + 1)

    answer = visitor.client.post("/ratings", content=pieces(), headers={"x-form-token": visitor.form})
    assert answer.status_code == 413 and "64 KB" in answer.json()["error"]
    odd = {"content-length": "-5", "x-form-token": visitor.form}
    assert visitor.client.post("/ratings", content=b"{}", headers=odd).status_code == 413


@pytest.mark.parametrize(
    "path", ["/", "/rate", "/done", "/nothing", "/static/rate.js", "/progress", "/join/x"]
)
def test_every_answer_carries_the_policy(app: Any, path: str) -> None:
    answer = TestClient(app, base_url=HOME).get(path, follow_redirects=False)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
