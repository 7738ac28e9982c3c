"""Verdicts by a teacher: one word for each answer (lamini/generation/judges.py says how it is asked)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.hallucination.questions import Question
from lamini.evaluation.hallucination.verdicts import verdict_in
from lamini.generation import judges
from lamini.generation.judges import Judgement
from lamini.instructions.templates import Template
from lamini.teacher.sampling import sampling

if TYPE_CHECKING:
    from lamini.evaluation.options import Judge

OURS = Path(__file__).with_name("judge.txt")
KEY = "suite.judge"
PLACEHOLDERS = ("question", "answer")


def check(judge: Judge, config: EvaluateConfig) -> None:
    """Raise UserError for a teacher that cannot judge, and for a prompt or numbers that cannot work."""
    if judge.tries < 1:
        raise UserError(f"{KEY}.tries={judge.tries} must be at least 1")
    sampling(judge.sampling, f"{KEY}.sampling")
    template(judge.prompt)
    if config.teacher is not None:
        judges.check_teacher(config, ", or leave it out and the rules judge alone")


def template(prompt: str | None) -> Template:
    """What the judge is asked: the text of a file with {question} and {answer}, ours without one.

    Raises:
        UserError: no such file, or a text that is no template.
    """
    file = OURS if prompt is None else Path(prompt).expanduser()
    return judges.template(file, f"{KEY}.prompt={prompt}", PLACEHOLDERS, PLACEHOLDERS)


def judged(
    config: EvaluateConfig, judge: Judge, name: str, questions: Sequence[Question], answers: Sequence[str]
) -> list[Judgement]:
    """A judgement on every answer of the student `name`; empty ones are not asked about and have none.

    Raises:
        UserError: the teacher cannot be asked, falls silent, or the budget is used up; what came is logged.
        KeyboardInterrupt: a signal came; the same line continues.
    """
    prompt, first = template(judge.prompt), sampling(judge.sampling, f"{KEY}.sampling")
    texts = [
        prompt.fill(question=question.text, answer=answer) if answer.strip() else None
        for question, answer in zip(questions, answers, strict=True)
    ]
    with judges.judge_of(config) as asked:
        return judges.rounds(asked, f"{name}: verdicts", texts, verdict_in, first, judge.tries)
