"""One student from questions to <student>/evaluation/hallucination.json (paper section 6).

It answers greedily; then everybody judges who is there: the rules always, a teacher where one is chosen,
people where a file of their verdicts is given. Nothing is kept here for a second time: answers come from the
store of lamini/evaluation/answering.py and verdicts from the request log.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.config import EvaluateConfig
from lamini.evaluation.answering import Answered, answered, decoding
from lamini.evaluation.hallucination import judging, persons, questions, rules
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.results import (
    PEOPLE,
    RULES,
    TEACHER,
    Judged,
    outcome,
    record_of,
    with_empty,
)
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.generation.judges import counted
from lamini.runs import ensure_writable, write_atomically

if TYPE_CHECKING:
    from lamini.evaluation.options import Hallucination

FORMAT = 1
PACKAGES = ("lamini-herd", "transformers", "torch")


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
            {
                "model": config.teacher.model,
                **_file("prompt", options.judge.prompt, judging.OURS),
                **counted(judgements),
            },
            [{"judge_said": one.said, "set_aside": one.set_aside} for one in judgements],
        )
    known = rules.load(options.rules)
    rulings = [known.judge(question, text) for question, text in zip(asked, texts, strict=True)]
    judges[RULES] = Judged(
        [one.verdict for one in rulings],
        _file("rules", options.rules, rules.OURS),
        [{"rule": one.rule, "reason": one.reason, "words": one.words} for one in rulings],
    )
    return judges


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


def _file(what: str, path: str | None, ours: Path) -> dict[str, str]:
    """Which file a judge goes by, and 12 hex digits of its content."""
    content = (ours if path is None else Path(path).expanduser()).read_bytes()
    return {what: path or "ours", f"{what}_digest": sha256(content).hexdigest()[:12]}
