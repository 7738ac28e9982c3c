"""What is kept while a study goes on: who rates, what they hold, and every rating that was ever posted."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from lamini.errors import UserError

KINDS = ("person", "judge")
NAME = 100  # characters a rater's name may have


class Refused(UserError):
    """A record that will never be taken, however often it is posted: sending it again is useless.

    Every other UserError of the store (full disk, busy file) may pass.
    """


@dataclass(frozen=True, slots=True)
class Rater:
    """Somebody who rates. `token_hash`: of the link that is valid now; None for who joined by name."""

    id: int  # in this file; another file of the same study numbers otherwise
    name: str
    token_hash: str | None
    kind: str  # person or judge
    joined: float


@dataclass(frozen=True, slots=True)
class Holding:
    """What one rater made of one item so far."""

    taken: float  # when it was taken or, if that is later, something of it was rated
    rated: frozenset[str]  # keys of the targets that have a level or were skipped
    finished: bool  # whether these are all


@dataclass(frozen=True, slots=True)
class Event:
    """One rating as it was posted, all of it: the last one of a rater on a target says how things stand.

    `level` None with nothing else is a rating taken back; with `skipped`, the rater would not rate.
    """

    id: str  # made by who posts it, so that a post that is repeated is known again
    rater: int
    item: str
    target: str
    level: str | None
    note: str = ""
    skipped: bool = False
    flagged: bool = False
    seconds: float = 0.0  # that the rater took
    at: float = 0.0  # seconds since 1970; 0.0: now

    @property
    def settled(self) -> bool:
        """Whether the rater is done with the target."""
        return self.level is not None or self.skipped

    @property
    def taken_back(self) -> bool:
        """Whether nothing is left of it."""
        return not (self.settled or self.flagged or self.note)


Rating = Event
"""The event that stands: the last one of its rater on its target."""


def tidy(name: str) -> str:
    """The name under which a rater is known: outer blanks gone, inner ones single, letters composed.

    Raises:
        Refused: nothing is left, it is too long, or it holds characters that are no text.

    >>> tidy("  Ann   Lee ")
    'Ann Lee'
    """
    found = unicodedata.normalize("NFC", " ".join(name.split()))
    if not found:
        raise Refused("a rater needs a name")
    if len(found) > NAME:
        raise Refused(f"the name {found[:20]}... has {len(found)} characters; up to {NAME} are taken")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in found):
        raise Refused(f"the name {found!r} holds control characters; letters, marks and digits are taken")
    return found


def whole(note: str) -> str:
    """The note with halves of surrogate pairs joined or, where they stand alone, replaced: files hold UTF-8.

    A browser that cuts a text by length can cut an emoji in two.
    """
    return note if note.isascii() else note.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
