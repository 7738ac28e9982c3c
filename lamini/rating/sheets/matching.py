"""Answers by instruction: students who were asked different ones would have counts that do not compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lamini.errors import UserError
from lamini.rating.reading import Answer

NAMED = 3  # instructions that an error names


@dataclass
class Asked:
    """One instruction and what each student made of it."""

    id: str
    instruction: str
    group: str
    responses: dict[str, str | None] = field(default_factory=dict)  # student -> response; None: it failed


def by_instruction(answers: Sequence[Answer], common: bool) -> tuple[list[Asked], list[str]]:
    """The instructions in the files' order, and what there is to tell about what is left out.

    With `common`, those that all students were asked.

    Raises:
        UserError: students were asked different instructions; says who lacks what.
    """
    found: dict[str, Asked] = {}
    for answer in answers:
        one = found.setdefault(answer.id, Asked(answer.id, answer.instruction, answer.group))
        one.responses[answer.student] = answer.response
    students = list(dict.fromkeys(answer.student for answer in answers))
    lacking = {
        student: [one.id for one in found.values() if student not in one.responses] for student in students
    }
    lacking = {student: ids for student, ids in lacking.items() if ids}
    if not lacking:
        return list(found.values()), _failed(list(found.values()), students)
    kept = [one for one in found.values() if len(one.responses) == len(students)]
    if not common or not kept:
        raise UserError(_sentence(lacking, len(found), len(kept)))
    left = f"{len(found) - len(kept)} of {len(found)} instructions are left out: not all were asked them"
    return kept, [left, *_failed(kept, students)]


def _sentence(lacking: dict[str, list[str]], count: int, kept: int) -> str:
    told = []
    for student, ids in lacking.items():
        more = ", ..." if len(ids) > NAMED else ""
        told.append(f"{student} lacks {len(ids)} of {count} ({', '.join(ids[:NAMED])}{more})")
    way_out = f"sheet.common=true takes the {kept} that all have" if kept else "there is none that all have"
    return f"the students were asked different instructions: {'; '.join(told)}; {way_out}"


def _failed(asked: Sequence[Asked], students: Sequence[str]) -> list[str]:
    """Who has no answer where an answer was asked for."""
    told = []
    for student in students:
        count = sum(one.responses[student] is None for one in asked)
        if count:
            told.append(f"{student} gave no answer to {count} of {len(asked)} instructions: not rated there")
    return told
