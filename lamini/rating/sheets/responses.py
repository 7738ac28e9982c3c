"""Responses of all students to one instruction on one page: the paper's study of models (Figure 5).

Questions that nobody can answer (paper section 6) are rated so too, on another scale.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamini.errors import UserError
from lamini.rating.reading import Answer
from lamini.rating.sheets.matching import by_instruction
from lamini.rating.study import Item, Target


def items(answers: Sequence[Answer], common: bool) -> tuple[list[Item], list[str]]:
    """One item an instruction with a target for each response, and what is left out. Equal texts stay apart.

    Raises:
        UserError: students were asked different instructions, or nobody answered any.
    """
    asked, told = by_instruction(answers, common)
    found = []
    for one in asked:
        targets = tuple(
            Target("", "response", (response,), (student,))
            for student, response in one.responses.items()
            if response is not None
        )
        if targets:
            found.append(Item("", one.id, one.group, one.instruction, targets))
    if not found:
        raise UserError(f"there is no answer to rate: {'; '.join(told)}")
    if len(found) < len(asked):
        lacking = len(asked) - len(found)
        told.append(f"{lacking} of {len(asked)} instructions are left out: no student answered them")
    return found, told
