"""What stands in <student>/evaluation/hallucination.json: counts by judge, agreement, every answer.

The table's number is that of people who judged everything, else of a teacher, else of the rules; `judged_by`
says whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from lamini.evaluation.hallucination.agreement import agreement
from lamini.evaluation.hallucination.counting import by_category, count
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.verdicts import HALLUCINATED
from lamini.evaluation.outcome import Outcome

PEOPLE, TEACHER, RULES = "people", "teacher", "rules"
JUDGES = (PEOPLE, TEACHER, RULES)  # the first that judged has the table's number


@dataclass
class Judged:
    """One judge's verdicts in the order of the questions (None: none), and facts about the judge."""

    verdicts: list[str | None]
    facts: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)  # what it said about each answer


def record_of(
    asked: Sequence[Question], texts: Sequence[str], judges: dict[str, Judged], seed: int
) -> dict[str, Any]:
    """The part of the results that judges decide."""
    return {
        "judged_by": headline(judges, texts),
        "empty": sum(not text.strip() for text in texts),
        "judges": {name: _counts(asked, judge) for name, judge in judges.items()},
        "agreement": {
            f"{one} and {other}": agreement(
                spoken(judges[one].verdicts, texts), spoken(judges[other].verdicts, texts), seed
            ).as_dict()
            for one, other in combinations(judges, 2)
        },
        "answers": [_answer(n, question, texts[n], judges) for n, question in enumerate(asked)],
    }


def _counts(asked: Sequence[Question], judge: Judged) -> dict[str, Any]:
    by_name = by_category(asked, judge.verdicts)
    categories = {name: one.as_dict() for name, one in by_name.items()}
    return {"total": count(judge.verdicts).as_dict(), "categories": categories, **judge.facts}


def _answer(number: int, question: Question, text: str, judges: dict[str, Judged]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "instruction_id": question.id,
        "category": question.category,
        "question": question.text,
        "answer": text,
        "verdicts": {name: judge.verdicts[number] for name, judge in judges.items()},
    }
    for judge in judges.values():
        row |= judge.rows[number] if judge.rows else {}
    return row


def with_empty(verdicts: Sequence[str | None], texts: Sequence[str]) -> list[str | None]:
    """An empty answer counts as a hallucination for every judge (rules.py says why), unless one said more."""
    return [
        HALLUCINATED if verdict is None and not text.strip() else verdict
        for verdict, text in zip(verdicts, texts, strict=True)
    ]


def spoken(verdicts: Sequence[str | None], texts: Sequence[str]) -> list[str | None]:
    """Without the empty answers, on which judges agree by convention and not by judgement."""
    return [verdict if text.strip() else None for verdict, text in zip(verdicts, texts, strict=True)]


def headline(judges: dict[str, Judged], texts: Sequence[str]) -> str:
    """Whose number counts: people who judged everything, else a teacher that judged anything, else rules."""
    if PEOPLE in judges and None not in judges[PEOPLE].verdicts:
        return PEOPLE
    nothing_said = not any(text.strip() for text in texts)
    if TEACHER in judges and (nothing_said or any(spoken(judges[TEACHER].verdicts, texts))):
        return TEACHER
    return RULES


def outcome(name: str, record: dict[str, Any]) -> Outcome:
    """Shares of hallucinations for the table; a teacher that judged nothing is a part that failed."""
    chosen = record["judges"][record["judged_by"]]
    parts = {"hallucinated": chosen["total"], **chosen["categories"]}
    numbers = {key: part["share"] for key, part in parts.items() if part["share"] is not None}
    failed = {}
    if record["judged_by"] == RULES and TEACHER in record["judges"]:
        aside = record["judges"][TEACHER]["set_aside"]
        why = ", ".join(f"{reason} {number}" for reason, number in aside.items())
        failed["judge"] = f"the teacher gave no verdict on any answer ({why}); the rules alone judge"
    return Outcome(name, "done", numbers, failed=failed)
