"""A teacher as judge: one word about each text, asked through the teacher protocol and its log.

A judge that says anything but a word is asked again, as another sample of the same question, and the text is
set aside and counted when it never does. The first answer is drawn as the configuration says, later ones at a
temperature of 1: a greedy judge would only repeat itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamini.errors import UserError
from lamini.generation.asked import Asked, asking
from lamini.instructions.templates import Template, parsed
from lamini.teacher import money, pace
from lamini.teacher.asking import Outcome
from lamini.teacher.options import Oracle, Replay
from lamini.teacher.protocol import Message, Request, Sampling
from lamini.teacher.stopping import Interruption, Stopped

AGAIN = 1.0  # temperature of what is asked again
NONSENSE = "nonsense"  # why a text was set aside: the judge said no word that it was asked for


@dataclass
class Judgement:
    """What a judge made of one text: a verdict, or why there is none (`set_aside`, a word to count by)."""

    verdict: str | None = None
    said: list[str] = field(default_factory=list)  # every answer of the judge, in order
    set_aside: str | None = None


def check_teacher(config: Any, instead: str = "") -> None:
    """Raise UserError for a teacher that cannot judge, and for limits and budgets that cannot work.

    `instead` is what else the user can do, behind a comma.
    """
    teacher = config.teacher
    if isinstance(teacher, Oracle) or (isinstance(teacher, Replay) and teacher.kind == "oracle"):
        raise UserError(
            "the oracle cannot judge: it answers its own kinds of instructions and nothing else; choose"
            f" another teacher=<teacher>{instead}"
        )
    pace.check(config.limits)
    teacher.check()
    money.check(config.budget.usd, teacher.paid())


def template(file: Path, what: str, allowed: Sequence[str], needed: Sequence[str]) -> Template:
    """What the judge is asked; `what` names key and value in errors.

    Raises:
        UserError: no such file, or a text that is no template.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{what} cannot be read: {error}") from error
    return parsed(text, what, allowed, needed)


@contextmanager
def judge_of(config: Any) -> Iterator[Asked]:
    """The judge of a configuration (teacher, log, limits, budget) with its log open.

    Raises:
        UserError: the teacher cannot be asked, falls silent, or the budget is used up; what came is logged.
        KeyboardInterrupt: a signal came; the same line continues.
    """
    interruption = Interruption()
    try:
        with interruption.listening(), asking(config, interruption) as asked:
            yield asked
    except Stopped as error:
        if interruption.number is not None:
            raise KeyboardInterrupt from error
        raise UserError(f"the judge stopped: {error}") from error


def rounds(
    asked: Asked, title: str, texts: Sequence[str | None], read: Callable[[str], str | None], first: Sampling,
    tries: int,
) -> list[Judgement]:  # fmt: skip
    """Ask about all texts, then again about those whose verdict `read` finds none in; None is not asked."""
    found = [Judgement() for _ in texts]

    def take(number: int, outcome: Outcome) -> None:
        _take(found[number], outcome, read)

    pending = [(number, text) for number, text in enumerate(texts) if text is not None]
    for sample in range(tries):
        how = first if sample == 0 else replace(first, temperature=AGAIN)
        requests = [(number, Request((Message("user", text),), how, sample)) for number, text in pending]
        again = f", asked again ({sample})" if sample else ""
        asked.ask(f"{title}{again}", requests, len(requests), take)
        pending = [
            (n, text) for n, text in pending if found[n].verdict is None and found[n].set_aside is None
        ]
        if not pending:
            break
    for number, _ in pending:
        found[number].set_aside = NONSENSE
    return found


def _take(judgement: Judgement, outcome: Outcome, read: Callable[[str], str | None]) -> None:
    if outcome.answer is None:
        judgement.set_aside = str(outcome.failure).split(":")[0]
    else:
        judgement.said.append(outcome.answer.text)
        judgement.verdict = read(outcome.answer.text)


def counted(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """How often it had to be asked again, and what was set aside, by reason."""
    aside = Counter(one.set_aside for one in judgements if one.set_aside)
    return {
        "asked_again": sum(max(len(one.said) - 1, 0) for one in judgements),
        "set_aside": dict(sorted((str(reason), count) for reason, count in aside.items())),
    }
