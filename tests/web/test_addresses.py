"""Which addresses are this machine alone, and which are all of it."""

from __future__ import annotations

import pytest

from lamini.web.addresses import is_address, is_loopback, is_wildcard


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.168.0.2", False), ("example.org", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host: str, local: bool) -> None:
    assert is_loopback(host) == local


def test_all_addresses_of_a_machine() -> None:
    assert all(map(is_wildcard, ("0.0.0.0", "::")))
    assert not any(map(is_wildcard, ("127.0.0.1", "::1", "localhost", "0.0.0.0.example.org")))


def test_numbers_are_told_from_names() -> None:
    assert is_address("10.0.0.1") and is_address("::1") and not is_address("a-machine")
