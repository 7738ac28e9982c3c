"""The columns of exported ratings: one row an event, with the names that raters never see.

A comparison (sheet=preference) has two students and two responses, each a JSON list in the order in which
they were shown, so that level 1 is the first. `current` marks the events that stand.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from typing import Any

from lamini.errors import UserError
from lamini.rating.records import KINDS, Event, Rater, tidy, whole
from lamini.rating.study import Item, Study, Target

ABOUT = ("rater", "kind", "instruction_id", "group", "instruction", "part", "student", "response")
SAID = ("level", "note", "skipped", "flagged", "seconds", "at", "current")
KEYS = ("item", "target", "event", "study")
COLUMNS = (*ABOUT, *SAID, *KEYS)
FLAGS, NUMBERS = ("skipped", "flagged", "current"), ("seconds", "at")  # the others are text
NEEDED = ("rater", "kind", "level", "note", "skipped", "flagged", "seconds", "at", "target", "event", "study")
WORDS = {"true": True, "1": True, "false": False, "0": False, "": False, "none": False}

Row = dict[str, Any]


def row_of(event: Event, rater: Rater, item: Item, target: Target, study: Study, current: bool) -> Row:
    """An event as a row of COLUMNS."""
    about = (
        rater.name, rater.kind, item.id, item.group, item.instruction, target.part, student_of(target),
        _one_or_list(target.texts),
    )  # fmt: skip
    said = (event.level, event.note, event.skipped, event.flagged, event.seconds, event.at, current)
    return dict(zip(COLUMNS, (*about, *said, item.key, target.key, event.id, study.digest), strict=True))


def student_of(target: Target) -> str:
    """Who wrote what is rated; a JSON list where two did."""
    return _one_or_list(target.owners)


def _one_or_list(texts: tuple[str, ...]) -> str:
    return texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)


class Rows:
    """Rows of a file on their way back to events of a study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._targets = {target.key: (item, target) for item in study.items for target in item.targets}

    def event(self, record: Any) -> tuple[str, str, Event]:
        """Name and kind of the rater, and the event, whose rater is yet to be numbered.

        Raises:
            UserError: what is wrong with the row, without saying which one.
        """
        if not isinstance(record, dict):
            raise UserError(getattr(record, "reason", "no object with columns"))
        _check_columns(record)
        item, target = self._about(record)
        level = _text(record, "level") or None
        if level is not None and level not in self.study.scale.letters:
            raise UserError(f"level {level!r} is none of {', '.join(self.study.scale.letters)}")
        kind, id = _text(record, "kind"), _text(record, "event")
        if kind not in KINDS:
            raise UserError(f"kind {kind!r} is none of {', '.join(KINDS)}")
        if not id:
            raise UserError("event is empty")
        event = Event(
            id, 0, item.key, target.key, level, whole(_text(record, "note")), _flag(record, "skipped"),
            _flag(record, "flagged"), _number(record, "seconds"), _number(record, "at"),
        )  # fmt: skip
        return tidy(_text(record, "rater")), kind, event

    def _about(self, record: Row) -> tuple[Item, Target]:
        """What the row rates. The names are looked at too: somebody may have sorted one column alone."""
        if (study := _text(record, "study")) != self.study.digest:
            raise UserError(f"it belongs to another study ({study[:8]}, this one is {self.study.digest[:8]})")
        key = _text(record, "target")
        if key not in self._targets:
            raise UserError(f"target {key!r} is none of this study")
        item, target = self._targets[key]
        expected = {
            "item": item.key,
            "instruction_id": item.id,
            "part": target.part,
            "student": student_of(target),
        }
        for name, value in expected.items():
            if name in record and _text(record, name) != value:
                raise UserError(f"{name} is {_text(record, name)!r}, and that of target {key} is {value!r}")
        return item, target


def _check_columns(record: Mapping[str, Any]) -> None:
    for name in NEEDED:
        if name not in record:
            close = difflib.get_close_matches(name, [str(column) for column in record], n=1)
            hint = f"; did you mean {close[0]!r}? Rename it to {name}" if close else ""
            raise UserError(f"no column {name}, it has {', '.join(map(str, record)) or 'none'}{hint}")


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record[name]
    text = "" if value is None else str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(f"{name} is not UTF-8") from None
    return text


def _flag(record: Mapping[str, Any], name: str) -> bool:
    word = str(record[name]).lower()
    if word not in WORDS:
        raise UserError(f"{name} {record[name]!r} is neither true nor false")
    return WORDS[word]


def _number(record: Mapping[str, Any], name: str) -> float:
    try:
        number = float(record[name])
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{name} {record[name]!r} is no number")
    return number
