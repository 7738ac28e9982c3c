"""What a browser posts, checked field by field before anything of it comes near the store."""

from __future__ import annotations

import json
import math
import uuid
from typing import Any, NoReturn

from lamini.rating.records import Event

NOTE = 2000  # characters
HOUR = 3600.0
FIELDS = {"id", "item", "target", "level", "note", "skipped", "flagged", "seconds"}


class Unfit(Exception):
    """A post that is no rating; its text says why."""


def event_from(body: bytes, rater: int, letters: tuple[str, ...]) -> Event:
    """The rating in a post.

    Raises:
        Unfit: anything in it is not as it should be.
    """
    told = _object(body)
    level, note = told["level"], _text(told, "note", NOTE)
    if level is not None and level not in letters:
        raise Unfit(f"level is none of {', '.join(letters)}")
    if level is not None and told["skipped"] is True:
        raise Unfit("a response has a level or is skipped, not both")
    return Event(
        id=_uuid(told["id"]),
        rater=rater,
        item=_text(told, "item", 40),
        target=_text(told, "target", 40),
        level=level,
        note=note,
        skipped=_flag(told, "skipped"),
        flagged=_flag(told, "flagged"),
        seconds=_seconds(told["seconds"]),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, or an endless integer
        raise Unfit("this is no JSON object") from error
    if not isinstance(told, dict) or set(told) != FIELDS:
        raise Unfit(f"a rating has exactly the fields {', '.join(sorted(FIELDS))}")
    return told


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _uuid(value: object) -> str:
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) and len(value) == 36 else str(uuid.UUID(""))
    except ValueError:
        raise Unfit("id is no UUID") from None


def _text(told: dict[str, Any], name: str, longest: int) -> str:
    value = told[name]
    if not isinstance(value, str) or len(value) > longest:
        raise Unfit(f"{name} is no text of at most {longest} characters")
    return value


def _flag(told: dict[str, Any], name: str) -> bool:
    value = told[name]
    if not isinstance(value, bool):
        raise Unfit(f"{name} is neither true nor false")
    return value


def _seconds(value: object) -> float:
    """Seconds as posted, an hour at most: who leaves the page open did not look that long."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("seconds is no number")
    if not 0 <= value < math.inf:  # 1e999 is infinite in JSON, too
        raise Unfit("seconds is no number of seconds")
    return round(float(min(value, HOUR)), 1)
