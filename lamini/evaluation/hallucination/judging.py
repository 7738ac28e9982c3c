"""Verdicts by a teacher: one word for each answer, asked through the teacher protocol and its log.

A judge that says anything but the word is asked again, as another sample of the same question, and set aside
and counted when it never does. The first answer is drawn as suite.judge.sampling says, later ones at a
temperature of 1: a greedy judge would only repeat itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lamini.config import EvaluateConfig, SamplingOptions
from lamini.errors import UserError
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.verdicts import verdict_in
from lamini.generation.asked import Asked, asking
from lamini.instructions.templates import Template, parsed
from lamini.teacher import money, pace
from lamini.teacher.asking import Outcome
from lamini.teacher.options import Oracle, Replay
from lamini.teacher.protocol import Message, Request, Sampling
from lamini.teacher.sampling import sampling
from lamini.teacher.stopping import Interruption, Stopped

if TYPE_CHECKING:
    from lamini.evaluation.options import Judge

OURS = Path(__file__).with_name("judge.txt")
KEY = "suite.judge"
PLACEHOLDERS = ("question", "answer")
AGAIN = 1.0  # temperature of what is asked again
NONSENSE = "nonsense"  # why an answer was set aside


@dataclass
class Judgement:
    """What a judge made of one answer: a verdict, or why there is none (`set_aside`, a word to count by)."""

    verdict: str | None = None
    said: list[str] = field(default_factory=list)  # every answer of the judge, in order
    set_aside: str | None = None


def check(judge: Judge, config: EvaluateConfig) -> None:
    """Raise UserError for a teacher that cannot judge, and for a prompt or numbers that cannot work."""
    if judge.tries < 1:
        raise UserError(f"{KEY}.tries={judge.tries} must be at least 1")
    sampling(judge.sampling, f"{KEY}.sampling")
    template(judge.prompt)
    if config.teacher is None:
        return
    teacher = config.teacher
    if isinstance(teacher, Oracle) or (isinstance(teacher, Replay) and teacher.kind == "oracle"):
        raise UserError(
            "the oracle cannot judge: it answers its own kinds of instructions and nothing else; choose"
            " another teacher=<teacher>, or leave it out and the rules judge alone"
        )
    pace.check(config.limits)
    teacher.check()
    money.check(config.budget.usd, teacher.paid())


def template(prompt: str | None) -> Template:
    """What the judge is asked: the text of a file with {question} and {answer}, ours without one.

    Raises:
        UserError: no such file, or a text that is no template.
    """
    file = OURS if prompt is None else Path(prompt).expanduser()
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{KEY}.prompt={prompt} cannot be read: {error}") from error
    return parsed(text, f"{KEY}.prompt={prompt}", PLACEHOLDERS, PLACEHOLDERS)


def judged(
    config: EvaluateConfig, judge: Judge, name: str, questions: Sequence[Question], answers: Sequence[str]
) -> list[Judgement]:
    """A judgement on every answer of the student `name`; empty ones are not asked about and have none.

    Raises:
        UserError: the teacher cannot be asked, falls silent, or the budget is used up; what came is logged.
        KeyboardInterrupt: a signal came; the same line continues.
    """
    interruption = Interruption()
    try:
        with interruption.listening(), asking(cast(Any, config), interruption) as asked:
            return rounds(
                asked, template(judge.prompt), judge.sampling, judge.tries, name, questions, answers
            )
    except Stopped as error:
        if interruption.number is not None:
            raise KeyboardInterrupt from error
        raise UserError(f"the judge stopped: {error}") from error


def rounds(
    asked: Asked, prompt: Template, drawn: SamplingOptions, tries: int, name: str,
    questions: Sequence[Question], answers: Sequence[str],
) -> list[Judgement]:  # fmt: skip
    """Ask about all answers, then again about those whose verdict could not be read."""
    found = [Judgement() for _ in answers]
    texts = [
        prompt.fill(question=question.text, answer=answer)
        for question, answer in zip(questions, answers, strict=True)
    ]
    pending = [number for number, answer in enumerate(answers) if answer.strip()]
    first = sampling(drawn, f"{KEY}.sampling")

    def take(number: int, outcome: Outcome) -> None:
        _take(found[number], outcome)

    for sample in range(tries):
        how = first if sample == 0 else replace(first, temperature=AGAIN)
        requests = [(number, _request(texts[number], how, sample)) for number in pending]
        again = f", asked again ({sample})" if sample else ""
        asked.ask(f"{name}: verdicts{again}", requests, len(requests), take)
        pending = [n for n in pending if found[n].verdict is None and found[n].set_aside is None]
        if not pending:
            break
    for number in pending:
        found[number].set_aside = NONSENSE
    return found


def _request(text: str, how: Sampling, sample: int) -> Request:
    return Request((Message("user", text),), how, sample)


def _take(judgement: Judgement, outcome: Outcome) -> None:
    if outcome.answer is None:
        judgement.set_aside = str(outcome.failure).split(":")[0]
    else:
        judgement.said.append(outcome.answer.text)
        judgement.verdict = verdict_in(outcome.answer.text)


def counted(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """How often it had to be asked again, and what was set aside, by reason."""
    aside = Counter(one.set_aside for one in judgements if one.set_aside)
    return {
        "asked_again": sum(max(len(one.said) - 1, 0) for one in judgements),
        "set_aside": dict(sorted((str(reason), count) for reason, count in aside.items())),
    }
