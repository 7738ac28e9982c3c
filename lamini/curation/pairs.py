"""The steps that look at one pair alone, in their order: each says what is wrong with a pair, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lamini.config import Curation
from lamini.curation.echoes import echo
from lamini.curation.length import too_short_or_long
from lamini.curation.refusals import refusal

Check = Callable[[list[str], list[str]], list[str | None]]
"""Instructions and responses -> what is wrong with each pair; None for one that stays."""

Verdict = tuple[str, str] | None
"""Step and what it found; None for a pair that stays."""


def checks(options: Curation) -> dict[str, Check]:
    """The steps that are on, cheap ones first, so that few pairs reach the dear ones.

    Raises:
        UserError: a tokenizer or a language that is not there.
    """
    found: dict[str, Check] = {}
    if options.length is not None:
        found["length"] = _one_by_one(partial(too_short_or_long, limits=options.length))
    if options.refusals:
        found["refusals"] = _one_by_one(lambda _, response: refusal(response))
    if options.echoes:
        found["echoes"] = _one_by_one(echo)
    if options.languages is not None:
        from lamini.curation.languages import Languages

        found["languages"] = _one_by_one(Languages(options.languages).other)
    if options.lossy is not None:
        found["lossy"] = _lossy(options.lossy, options.lossy_accepted)
    return found


def verdicts(steps: dict[str, Check], instructions: list[str], responses: list[str]) -> list[Verdict]:
    """The first step that strikes at each pair; later ones do not see it."""
    result: list[Verdict] = [None] * len(instructions)
    rows = list(range(len(instructions)))
    for name, step in steps.items():
        found = step([instructions[row] for row in rows], [responses[row] for row in rows])
        for row, detail in zip(rows, found, strict=True):
            if detail is not None:
                result[row] = (name, detail)
        rows = [row for row in rows if result[row] is None]
    return result


def _one_by_one(judge: Callable[[str, str], str | None]) -> Check:
    return lambda instructions, responses: list(map(judge, instructions, responses))


def _lossy(folder: str, accepted: str) -> Check:
    from lamini.curation.lossy import Lossy

    tokenizer = Lossy(folder, accepted)

    def judge(instructions: list[str], responses: list[str]) -> list[str | None]:
        sides = zip(tokenizer.lost(instructions), tokenizer.lost(responses), strict=True)
        return [_sides(instruction, response) for instruction, response in sides]

    return judge


def _sides(instruction: str | None, response: str | None) -> str | None:
    """`instruction: '{'; response: '}'`, or None where both come back."""
    found = (("instruction", instruction), ("response", response))
    return "; ".join(f"{side}: {lost}" for side, lost in found if lost is not None) or None
