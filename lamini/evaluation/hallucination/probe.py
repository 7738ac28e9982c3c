"""One student from questions to <student>/evaluation/hallucination.json (paper section 6).

It answers greedily; then everybody judges who is there: the rules always, a teacher where one is chosen,
people where a file of their verdicts is given. The first of people (if they judged all), teacher and rules
gives the number of the table, and its name stands beside it. Nothing is kept here for a second time: answers
come from the store of lamini/evaluation/answering.py and verdicts from the request log.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from itertools import combinations
from typing import TYPE_CHECKING, Any

from lamini.config import EvaluateConfig
from lamini.evaluation.answering import Answered, answered, decoding
from lamini.evaluation.hallucination import judging, persons, questions, rules
from lamini.evaluation.hallucination.agreement import agreement
from lamini.evaluation.hallucination.counting import by_category, count
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.verdicts import HALLUCINATED
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.runs import ensure_writable, write_atomically

if TYPE_CHECKING:
    from lamini.evaluation.options import Hallucination

FORMAT = 1
PACKAGES = ("lamini-herd", "transformers", "torch")
PEOPLE, TEACHER, RULES = "people", "teacher", "rules"
JUDGES = (PEOPLE, TEACHER, RULES)  # whose number goes into the table, the first that judged


@dataclass
class Judged:
    """One judge's verdicts in the order of the questions (None: none), and facts about the judge."""

    verdicts: list[str | None]
    facts: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)  # what it said about each answer


def score(options: Hallucination, config: EvaluateConfig, subject: Subject) -> Outcome:
    """Ask one student everything, have it judged, and write what came of it.

    Raises:
        UserError: questions or verdicts cannot be read, the student cannot answer, or the judge cannot be
            asked. The answers are kept, for people and for the next try.
    """
    asked = questions.load(options.questions, config.data_dir, config.limit)
    given = answered(config, subject, [one.text for one in asked], options.max_new_tokens)
    texts = [answer.text for answer in given.answers]
    suite = suite_of(options, config)
    place = subject.result(suite)
    ensure_writable(place.parent, "paths.output_dir")
    how = json.dumps(decoding(options.max_new_tokens), sort_keys=True)
    persons.write_answers(place.with_suffix(".parquet"), subject.name, subject.source, asked, texts, how)
    judges = everybody(options, config, subject.name, asked, texts)
    record = {
        "format": FORMAT, "suite": suite, "student": subject.name, "model": subject.source,
        **asked_how(options, config, asked, given), **record_of(asked, texts, judges, config.seed),
    }  # fmt: skip
    write_atomically(place, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return outcome(subject.name, record)


def suite_of(options: Hallucination, config: EvaluateConfig) -> str:
    """The name of the results; a try on the first few questions does not take the place of the whole."""
    return options.name if config.limit is None else f"{options.name}-first-{config.limit}"


def everybody(
    options: Hallucination, config: EvaluateConfig, student: str, asked: Sequence[Question], texts: list[str]
) -> dict[str, Judged]:
    """All judges there are, in the order of JUDGES."""
    judges: dict[str, Judged] = {}
    if options.verdicts is not None:
        given = persons.verdicts_on(options.verdicts, student, asked, texts)
        if any(given):
            judges[PEOPLE] = Judged(with_empty(given, texts), {"file": options.verdicts})
    if config.teacher is not None:
        judgements = judging.judged(config, options.judge, student, asked, texts)
        judges[TEACHER] = Judged(
            with_empty([one.verdict for one in judgements], texts),
            {"model": config.teacher.model, "prompt": options.judge.prompt, **judging.counted(judgements)},
            [{"judge_said": one.said, "set_aside": one.set_aside} for one in judgements],
        )
    known = rules.load(options.rules)
    rulings = [known.judge(question, text) for question, text in zip(asked, texts, strict=True)]
    judges[RULES] = Judged(
        [one.verdict for one in rulings],
        {"file": options.rules},
        [{"rule": one.rule, "reason": one.reason, "words": one.words} for one in rulings],
    )
    return judges


def with_empty(verdicts: Sequence[str | None], texts: Sequence[str]) -> list[str | None]:
    """An empty answer counts as a hallucination for every judge (rules.py says why), unless one said more."""
    return [
        HALLUCINATED if verdict is None and not text.strip() else verdict
        for verdict, text in zip(verdicts, texts, strict=True)
    ]


def asked_how(
    options: Hallucination, config: EvaluateConfig, asked: Sequence[Question], given: Answered
) -> dict[str, Any]:
    """What was asked and how it was answered."""
    file = questions.place_of(options.questions, config.data_dir)
    return {
        "questions": {
            "source": options.questions or "ours", "file": file[0].name if file else None,
            "n": len(asked), "digest": questions.digest(asked),
        },
        "weights": given.setting["weights"],
        "wrapper": given.wrapper,
        "decoding": given.setting["decoding"],
        "versions": {
            "python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES},
        },
    }  # fmt: skip


def record_of(
    asked: Sequence[Question], texts: Sequence[str], judges: dict[str, Judged], seed: int
) -> dict[str, Any]:
    """Counts by judge, agreement of every two of them, and everything about every answer."""
    return {
        "judged_by": headline(judges, texts),
        "empty": sum(not text.strip() for text in texts),
        "judges": {
            name: {
                "total": count(judge.verdicts).as_dict(),
                "categories": {
                    category: one.as_dict() for category, one in by_category(asked, judge.verdicts).items()
                },
                **judge.facts,
            }
            for name, judge in judges.items()
        },
        "agreement": {
            f"{one} and {other}": agreement(
                spoken(judges[one].verdicts, texts), spoken(judges[other].verdicts, texts), seed
            ).as_dict()
            for one, other in combinations(judges, 2)
        },
        "answers": [
            {
                "instruction_id": question.id, "category": question.category, "question": question.text,
                "answer": text, "verdicts": {name: judge.verdicts[n] for name, judge in judges.items()},
                **{key: value for judge in judges.values() if judge.rows
                   for key, value in judge.rows[n].items()},
            }
            for n, (question, text) in enumerate(zip(asked, texts, strict=True))
        ],
    }  # fmt: skip


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
    aside = record["judges"].get(TEACHER, {}).get("set_aside", {})
    if record["judged_by"] == RULES and TEACHER in record["judges"]:
        why = ", ".join(f"{reason} {number}" for reason, number in aside.items())
        failed["judge"] = f"the teacher gave no verdict on any answer ({why}); the rules alone judge"
    return Outcome(name, "done", numbers, failed=failed)
