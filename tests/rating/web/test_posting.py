"""Every field of a post is checked, and only a rating as the page makes it comes through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.rating.records import Event
from lamini.rating.web.posting import Unfit, event_from

ID = "0b9e7c1e-35c5-4b5e-9a53-6d2f6f0f8a11"
PLAIN = {
    "id": ID, "item": "i1", "target": "t1", "level": "B", "note": "so", "skipped": False, "flagged": True,
    "seconds": 3.26,
}  # fmt: skip


def taken(told: Any) -> Event:
    return event_from(told if isinstance(told, bytes) else json.dumps(told).encode(), 7, ("A", "B"))


def test_a_rating() -> None:
    assert taken(PLAIN) == Event(ID, 7, "i1", "t1", "B", "so", False, True, 3.3, 0.0)
    assert taken({**PLAIN, "level": None}).level is None
    assert taken({**PLAIN, "level": None, "skipped": True}).skipped
    assert taken({**PLAIN, "id": ID.upper()}).id == ID
    assert taken({**PLAIN, "seconds": 90_000}).seconds == taken({**PLAIN, "seconds": 10**400}).seconds == 3600


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "1"), ("id", None), ("id", 5), ("id", ID.replace("-", "")), ("id", ID + "0"),
        ("id", "{" + ID[1:]),
        ("item", 5), ("item", None), ("item", "i" * 41), ("target", ["t1"]), ("target", "t" * 41),
        ("level", "C"), ("level", "a"), ("level", ""), ("level", 1), ("level", ["A"]), ("level", True),
        ("note", None), ("note", 5), ("note", "x" * 2001), ("skipped", 0),
        ("skipped", "no"), ("skipped", True),
        ("flagged", None), ("seconds", "3"), ("seconds", None), ("seconds", -1), ("seconds", True),
        ("rater", 1), ("at", 0),
    ],
)  # fmt: skip
def test_a_field_that_is_not_as_it_should_be(field: str, value: Any) -> None:
    with pytest.raises(Unfit, match=field if field in PLAIN else "exactly the fields"):
        taken({**PLAIN, field: value})


@pytest.mark.parametrize("field", PLAIN)
def test_a_field_that_is_not_there(field: str) -> None:
    with pytest.raises(
        Unfit, match="exactly the fields flagged, id, item, level, note, seconds, skipped, target"
    ):
        taken({name: value for name, value in PLAIN.items() if name != field})


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 60_000, b'{"a":' * 10_000, b"1" * 5000,
     *(json.dumps(PLAIN).replace("3.26", number).encode() for number in ("NaN", "Infinity", "1e999"))],
    ids=str,
)  # fmt: skip
def test_a_body_that_is_no_rating(body: bytes) -> None:
    with pytest.raises(Unfit):
        taken(body)


@given(st.binary(max_size=300))
def test_no_body_breaks_it(body: bytes) -> None:
    with pytest.raises(Unfit):
        taken(body)
