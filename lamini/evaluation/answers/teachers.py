"""A teacher answers beside its students: the paper rates gpt-3.5-turbo so.

It is asked through the teacher protocol: what the request log holds costs nothing again. How the paper asked
it for its raters is not known; here it gets the bare instruction, and is as greedy as its temperature of 0
makes it. What it does not answer stays in the table with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from lamini.config import EvaluateConfig, SamplingOptions
from lamini.errors import UserError
from lamini.evaluation.answers.instructions import Item
from lamini.evaluation.answers.table import Row, decoding_of
from lamini.generation.asked import asking
from lamini.instructions.templates import load
from lamini.students import locate
from lamini.teacher import money, pace
from lamini.teacher.log import Entry
from lamini.teacher.protocol import LENGTH, Message, Request
from lamini.teacher.sampling import sampling
from lamini.teacher.stopping import Interruption, Stopped

SYSTEM, SAMPLING = "suite.system", "suite.sampling"


def check(config: EvaluateConfig, system: str | None, how: SamplingOptions) -> None:
    """Raise UserError for a teacher that cannot be asked."""
    pace.check(config.limits)
    config.teacher.check()
    money.check(config.budget.usd, config.teacher.paid())
    sampling(how, SAMPLING)
    _system(system)


def rows(
    config: EvaluateConfig, items: Sequence[Item], system: str | None, how: SamplingOptions
) -> list[Row]:
    """The teacher's answers to all instructions, in their order.

    Raises:
        UserError: it cannot be asked, answers nothing, or the budget is used up; what was paid for is logged.
        KeyboardInterrupt: a signal came; the same line continues.
    """
    told, drawn = _system(system), sampling(how, SAMPLING)
    head = (Message("system", told),) if told else ()
    calls = [(item, Request((*head, Message("user", item.text)), drawn)) for item in items]
    name = name_of(config.teacher)
    interruption = Interruption()
    try:
        with interruption.listening(), asking(cast(Any, config), interruption) as asked:
            asked.ask(name, calls, len(calls), lambda *_: None)
            kind = asked.teacher.kind
            found = [(item, entry) for item, _, _, entry in asked.found(calls)]
    except Stopped as error:
        if interruption.number is not None:
            raise KeyboardInterrupt from error
        raise UserError(str(error)) from error
    decoding = decoding_of({"teacher": kind, "system": told or None, **asdict(how)})
    answered = [_row(name, decoding, item, entry) for item, entry in found]
    if not any(row["error"] is None for row in answered):
        raise UserError(
            f"teacher {name} answered none of {len(answered)} instructions: {answered[0]['error']}"
        )
    return answered


def name_of(teacher: Any) -> str:
    """What the table calls a teacher: its model without settings, a folder by its name, an export by its run.

    >>> from lamini.teacher.options import Oracle
    >>> from lamini.teacher.prices import Prices
    >>> name_of(Oracle("oracle", 0.0, Prices(0.0, 0.0)))
    'oracle'
    """
    model = str(teacher.model).split(" {")[0]
    if not locate.is_path(model) or not Path(model).expanduser().is_dir():
        return model
    folder = Path(model).expanduser().resolve()
    return folder.parent.name if folder.name == "export" else folder.name


def _system(system: str | None) -> str:
    return load(system, SYSTEM, ()).fill() if system is not None else ""


def _row(name: str, decoding: str, item: Item, entry: Entry | None) -> Row:
    answer = entry.answer if entry is not None else None
    row: Row = {
        "student": name, "source": "teacher", "instruction_id": item.id, "app": item.app,
        "instruction": item.text, "response": "", "decoding": decoding, "model": name, "error": None,
    }  # fmt: skip
    if answer is None:
        return {**row, "error": (entry.failure if entry is not None else None) or "not asked"}
    return {
        **row, "response": answer.text.strip(), "model": answer.model, "tokens": answer.response_tokens,
        "finished": answer.finish != LENGTH,
    }  # fmt: skip
