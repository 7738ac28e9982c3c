"""Whether an export answers as the student does: the same prompts, greedily, answer by answer.

The student answers in 32 bits. Formats in full precision add the same numbers up in another order and differ
once in many answers; 8 bits turn a greedy answer where two tokens were nearly even, and from there on it is
another. So two numbers are told: the share of answers that are the same, and the share of tokens before the
first difference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Any

from lamini.data.readers import items
from lamini.errors import UserError
from lamini.exporting.formats import Ids
from lamini.students.protocol import Student


@dataclass(frozen=True)
class Parity:
    """What came of a comparison."""

    instructions: int
    same: float  # share of answers
    tokens: float  # share of the student's tokens that stand before the first difference
    first: dict[str, str] | None  # the answer that differs first: instruction, student, export

    def tree(self) -> dict[str, Any]:
        """As export.json holds it."""
        return asdict(self)


def compare(
    instructions: Sequence[str], ours: Sequence[str], theirs: Sequence[str], ids: Sequence[tuple[Ids, Ids]]
) -> Parity:
    """Texts decide whether answers are the same; `ids` are (student's, export's) without end tokens.

    >>> ids = [([5, 6], [5, 6]), ([7, 8, 9, 1], [7, 8, 2])]
    >>> found = compare(["a", "b"], ["x y", "z"], ["x y", "q"], ids)
    >>> found.same, round(found.tokens, 3)
    (0.5, 0.667)
    """
    same = [one == other for one, other in zip(ours, theirs, strict=True)]
    shared = sum(shared_prefix(one, other) for one, other in ids)
    total = sum(len(one) for one, _ in ids)
    first = same.index(False) if False in same else None
    return Parity(
        len(same), sum(same) / len(same), shared / total if total else 1.0,
        None if first is None
        else {"instruction": instructions[first], "student": ours[first], "export": theirs[first]},
    )  # fmt: skip


def shared_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """
    >>> shared_prefix([1, 2, 3], [1, 2, 4, 3])
    2
    """
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def prompts_of(student: Student, instructions: Sequence[str], tokens: int) -> list[tuple[str, Ids]]:
    """Instructions with their prompts, of which the whole fits with an answer: nothing is cut here."""
    whole = student.encode_prompts(list(instructions))
    pairs = zip(instructions, whole, strict=True)
    return [
        (text, ids)
        for text, ids in pairs
        if len(ids) <= student.prompt_limit(tokens) and student.room(len(ids), tokens) >= tokens
    ]


def instructions_for(folder: Path, given: str | None, limit: int) -> list[str]:
    """Those of a file, or those that the student answered in training (its own kind), or ours.

    Raises:
        UserError: the file has none.
    """
    own = folder / "answers.jsonl"
    place = Path(given).expanduser() if given is not None else own if own.is_file() else None
    if place is None:
        found = (
            files("lamini.exporting").joinpath("instructions.txt").read_text(encoding="utf-8").splitlines()
        )
    else:
        found = list(_instructions(place))
        if not found and given is not None:
            raise UserError(f"parity.instructions={given} has no rows with `instruction`")
    return list(dict.fromkeys(text for text in found if text.strip()))[:limit]


def _instructions(place: Path) -> list[str]:
    if place.name == "answers.jsonl":
        try:
            rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
            return [str(row["instruction"]) for row in rows]
        except (ValueError, KeyError, TypeError):
            return []  # a run that was killed while it wrote
    records = (record for _, record in items(place, "parity.instructions"))
    return [
        str(record["instruction"])
        for record in records
        if isinstance(record, dict) and record.get("instruction")
    ]
