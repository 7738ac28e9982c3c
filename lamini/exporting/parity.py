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
    tokens: float  # share of the tokens (of the longer answer) that stand before the first difference
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
    total = sum(max(len(one), len(other)) for one, other in ids)
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
    """Those of a file; else those that the student answered in training, filled up with ours.

    Raises:
        UserError: the file has none.
    """
    if given is not None:
        found = _of_file(given)
    else:
        ours = files("lamini.exporting") / "instructions.txt"
        found = [*_of_run(folder / "answers.jsonl"), *ours.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(text for text in found if text.strip()))[:limit]


def _of_file(given: str) -> list[str]:
    rows = [row for _, row in items(given, "parity.instructions") if isinstance(row, dict)]
    found = [str(row["instruction"]) for row in rows if row.get("instruction")]
    if not found:
        raise UserError(f"parity.instructions={given} has no rows with `instruction`")
    return found


def _of_run(answers: Path) -> list[str]:
    """Its own kind of instruction: what train.py let it answer; none where it never did, or was cut off."""
    try:
        rows = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
        return [str(row["instruction"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []
