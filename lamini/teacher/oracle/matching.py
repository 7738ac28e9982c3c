"""From an instruction back to its kind and fields.

Every phrasing is compiled once into a regular expression in which a field is any text and a field
that returns is a back-reference. Phrasings with more literal text are tried first, and a match
counts only if the kind can answer it: what makes no sense to one kind is left to the next.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from lamini.teacher.oracle.kinds import Fields, Kind

LONGEST = 600
"""Characters of an instruction that is looked at: the kinds' own have at most 136, and a pattern of eight
fields tries every way to cut a human task of some thousand characters, for minutes."""

_FIELD = re.compile(r"\{(\w+)\}")


class Match(NamedTuple):
    """An instruction understood: its kind, the phrasing used, the fields, the exact answer."""

    kind: Kind
    phrasing: str
    fields: Fields
    answer: str


def compile_phrasing(phrasing: str) -> re.Pattern[str]:
    """The regular expression of a template: "Add {a} to {a}." -> "Add (?P<a>.+?) to (?P=a)\\."."""
    parts, seen = [], set()
    for index, part in enumerate(_FIELD.split(phrasing)):
        if index % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>.+?)")
            seen.add(part)
    return re.compile("".join(parts))


def field_names(phrasing: str) -> set[str]:
    """The fields of a template: "Add {a} to {b}." -> {"a", "b"}."""
    return set(_FIELD.findall(phrasing))


class Matcher:
    """Recognises the instructions of some kinds, held-out phrasings included."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(kinds)

    @cached_property
    def _by_first_word(self) -> dict[str, list[tuple[int, re.Pattern[str], str, Kind]]]:
        table = defaultdict(list)
        for kind in self._kinds:
            for phrasing in (*kind.phrasings, *kind.held_out_phrasings):
                first = phrasing.split()[0]
                key = "" if "{" in first else first
                literal = len(_FIELD.sub("", phrasing))
                table[key].append((literal, compile_phrasing(phrasing), phrasing, kind))
        for rows in table.values():
            rows.sort(key=lambda row: -row[0])
        return dict(table)

    def match(self, instruction: str) -> Match | None:
        """What the instruction asks, or None for one that no kind understands."""
        text = " ".join(instruction.split())
        if len(text) > LONGEST:
            return None
        first = text.split(" ", 1)[0]
        for key in (first, ""):
            for _, pattern, phrasing, kind in self._by_first_word.get(key, ()):
                found = pattern.fullmatch(text)
                if found is None:
                    continue
                fields = found.groupdict()
                try:
                    return Match(kind, phrasing, fields, kind.answer(fields))
                except (ValueError, LookupError):
                    continue
        return None
