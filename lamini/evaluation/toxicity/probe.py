"""One student completes the prompts, a classifier judges what it wrote, and both groups are counted."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.answering import Answered, answered, setting_of
from lamini.evaluation.identity import versions
from lamini.evaluation.loading import layout_of
from lamini.evaluation.options import Toxicity
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.evaluation.toxicity import paper
from lamini.evaluation.toxicity.classifiers import Classifier, Verdict, verdicts
from lamini.evaluation.toxicity.continuing import continuation
from lamini.evaluation.toxicity.counting import counts
from lamini.evaluation.toxicity.prompts import GROUPS, Prompt, Prompts, load
from lamini.evaluation.toxicity.rows import Completion, write_rows
from lamini.evaluation.toxicity.unsaid import unsaid
from lamini.runs import ensure_writable, write_atomically

FORMAT = 1


def score(suite: Toxicity, config: EvaluateConfig, subject: Subject) -> Outcome:
    """Ask, judge and count; a result of the same weights, prompts and classifier is left as it stands.

    Raises:
        UserError: rows, student or classifier cannot be had, or the folder cannot be written.
        KeyboardInterrupt: as `Classifier.judge`.
    """
    each, prompts = prompts_of(suite, config)
    classifier = config.classifier.open(config)
    key = {
        "format": FORMAT,
        "prompts": prompts.digest,
        "each": each,
        "prefix": suite.prefix,
        "answers": setting_of(config, subject, layout_of(config, subject), suite.max_new_tokens),
        "classifier": deciding(classifier.identity()),
    }
    old = read(subject, suite.name)
    if old and old["key"] == _plain(key) and not config.force and _rows_file(subject, suite.name).is_file():
        return Outcome(subject.name, "skipped", numbers(old))
    ensure_writable(subject.result(suite.name).parent, "paths.output_dir")
    began = time.monotonic()
    said = _asked(config, subject, prompts, suite)
    completions = judged(classifier, prompts, said, suite.prefix, subject.name)
    result = {
        "suite": suite.name,
        "student": subject.name,
        "source": subject.source,
        "scratch": subject.scratch,
        "versions": versions(),
        "key": _plain(key),
        "prompts": {"origin": prompts.origin, "found": prompts.found, "notes": prompts.notes()},
        "classifier": {**classifier.identity(), **classifier.remarks()},
        "groups": {group: counted(completions, group) for group in GROUPS},
        "paper": _paper(subject.name),
        "rows": _rows_file(subject, suite.name).name,
        "seconds": round(time.monotonic() - began, 1),
    }
    write_rows(_rows_file(subject, suite.name), completions)
    write_atomically(subject.result(suite.name), json.dumps(result, indent=2) + "\n")
    return Outcome(subject.name, "done", numbers(result))


def read(subject: Subject, suite: str) -> dict[str, Any] | None:
    """The results that stand in a student's folder; None where there are none of this format."""
    try:
        result = json.loads(subject.result(suite).read_text(encoding="utf-8"))
        return dict(result) if result["key"]["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def deciding(identity: dict[str, Any]) -> dict[str, Any]:
    """Of a classifier what decides its verdicts: where files have digests, their place is no part of it."""
    place = ("model", "revision") if "sha256" in identity else ()
    return {name: value for name, value in identity.items() if name not in place}


def judged(
    classifier: Classifier, prompts: Prompts, said: Answered, prefix: str, title: str
) -> list[Completion]:
    """Every completion with the verdicts on the whole answer and on what it adds to the prompt.

    Raises:
        UserError, KeyboardInterrupt: as `Classifier.judge`.
    """
    parts = []
    for prompt, answer in zip(prompts.rows, said.answers, strict=True):
        parts.append(continuation(answer.text, instruction(prefix, prompt), prompt.text))
    texts = [answer.text for answer in said.answers]
    found = verdicts(classifier, texts + [text for text, _ in parts], title)
    return [
        Completion(
            prompt, instruction(prefix, prompt), answer.text, rest, repeats, answer.finished, answer.cut,
            found[answer.text], found[rest],
        )
        for prompt, answer, (rest, repeats) in zip(prompts.rows, said.answers, parts, strict=True)
    ]  # fmt: skip


def instruction(prefix: str, prompt: Prompt) -> str:
    """What the student is asked (paper section 6: prefixed by an instruction to complete the sentence).

    A prefix `Complete the sentence:` and the beginning `So I` are asked as `Complete the sentence: So I`.
    """
    return f"{prefix} {prompt.text}" if prefix else prompt.text


def counted(completions: list[Completion], group: str) -> dict[str, Any]:
    """Numbers of one group: of the whole answers, of the continuations alone, and of the answers' form."""
    rows = [row for row in completions if row.prompt.group == group]
    return {
        "answer": counts([row.answer_verdict for row in rows]),
        "continuation": counts([row.continuation_verdict for row in rows]),
        "repeat_the_prompt": sum(row.repeats for row in rows),
        "blank": sum(not row.answer.strip() for row in rows),
        "cut_short": sum(not row.finished for row in rows),
        "labels": labels([row.answer_verdict for row in rows]),
    }


def labels(found: list[Verdict | None]) -> dict[str, float]:
    """Mean of every score that the classifier gave, over the texts it was asked about: no blank ones."""
    judged = [verdict.labels for verdict in found if verdict is not None and verdict.labels]
    sums: Counter[str] = Counter()
    for scores in judged:
        sums.update(scores)
    return {name: total / len(judged) for name, total in sums.items()}


def numbers(result: dict[str, Any]) -> dict[str, float]:
    """The shares of flagged answers, for the table of the line."""
    rates = {group: result["groups"][group]["answer"]["rate"] for group in GROUPS}
    return {group: rate for group, rate in rates.items() if rate is not None}


def prompts_of(suite: Toxicity, config: EvaluateConfig) -> tuple[int, Prompts]:
    """How many prompts of each group, and which.

    Raises:
        UserError: rows cannot be had.
    """
    each = suite.each if config.limit is None else min(suite.each, config.limit)
    return each, load(suite.prompts, config.data_dir, each)


def asked(suite: Toxicity, config: EvaluateConfig) -> list[str]:
    """What every student is asked.

    Raises:
        UserError: rows cannot be had.
    """
    return [instruction(suite.prefix, prompt) for prompt in prompts_of(suite, config)[1].rows]


def _asked(config: EvaluateConfig, subject: Subject, prompts: Prompts, suite: Toxicity) -> Answered:
    """Greedy completions; an error of the student's names the trouble and not the prompt."""
    try:
        return answered(
            config, subject, [instruction(suite.prefix, row) for row in prompts.rows], suite.max_new_tokens
        )
    except UserError as error:
        raise UserError(unsaid(str(error), [prompt.text for prompt in prompts.rows])) from None


def _paper(student: str) -> dict[str, Any] | None:
    found = paper.row(student)
    return found and {
        "model": found[0],
        "flagged": found[1],
        "of": paper.of(),
        "classifier": paper.CLASSIFIER,
    }


def _rows_file(subject: Subject, suite: str) -> Path:
    return subject.result(suite).with_suffix(".parquet")


def _plain(key: Any) -> Any:
    """As it comes back from JSON."""
    return json.loads(json.dumps(key))
