"""The model card of a student, with what evaluate.py found: a table for people, metadata for the hub.

Training writes a card into the export; here the results are put into it, task by task, with rows and chance
level, so that a number that stands on the hub says what it is of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard

from lamini.errors import UserError
from lamini.evaluation.subjects import Subject

HEADING = "## Scores"
BEFORE = "## Use"


@dataclass(frozen=True)
class Score:
    """The headline of one task."""

    suite: str
    task: str
    metric: str
    value: float
    stderr: float | None
    n: int | None
    chance: float | None


def scores(folder: Path) -> list[Score]:
    """Of every suite of a run folder that has tasks with a headline, in the order of their names.

    Raises:
        UserError: a file that is torn.
    """
    return [score for file in sorted(folder.glob("evaluation/*.json")) for score in _of(file)]


def _of(file: Path) -> Iterator[Score]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}); score the student again, or remove it") from error
    tasks = told.get("tasks") if isinstance(told, dict) else None
    limited = isinstance(told, dict) and told.get("limit") is not None
    for name, task in sorted((tasks or {}).items()):
        headline = str(task.get("headline")) if isinstance(task, dict) else ""
        found = task.get(headline) if headline else None
        if isinstance(found, dict) and isinstance(found.get("value"), int | float) and not limited:
            yield Score(
                str(told["suite"]), name, headline, float(found["value"]), found.get("stderr"),
                found.get("n"), found.get("chance"),
            )  # fmt: skip


def card_of(subject: Subject) -> ModelCard:
    """The card of the export with the scores of its run folder.

    Raises:
        UserError: as `scores`, or a card that is none.
    """
    found, file = scores(subject.folder), Path(subject.source) / "README.md"
    try:
        card = ModelCard.load(file) if file.is_file() else ModelCard("---\nlibrary_name: transformers\n---\n")
    except (ValueError, OSError) as error:
        raise UserError(f"{file} is no model card ({error}); remove it to have a new one") from error
    if not found:
        return card
    data: Any = card.data  # a ModelCardData
    data.model_name = data.model_name or subject.name
    before = [
        one for one in data.eval_results or [] if one.dataset_type not in {score.task for score in found}
    ]
    data.eval_results = before + [
        EvalResult(
            "text-generation", score.task, score.task, score.metric, score.value, metric_name=score.metric,
            dataset_args={"suite": score.suite, "rows": score.n},
        )
        for score in found
    ]  # fmt: skip
    text = _with(card.text, table(found))
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text.lstrip()}")


def table(found: list[Score]) -> str:
    """The section of the card.

    >>> print(table([Score("nlp15", "rte", "acc", 0.5271, 0.03, 277, 0.5)]).splitlines()[-1])
    | nlp15 | rte | acc | 52.7 ± 3.0 | 277 | 50.0 |
    """
    lines = [
        HEADING, "",
        "In percent where they are shares, ± one standard error; chance is what guessing gives.", "",
        "| Suite | Task | Metric | Score | Rows | Chance |", "| --- | --- | --- | ---: | ---: | ---: |",
    ]  # fmt: skip
    for one in found:
        share = 0 <= one.value <= 1
        value = f"{100 * one.value:.1f}" if share else f"{one.value:.4g}"
        if one.stderr is not None:
            value += f" ± {100 * one.stderr:.1f}" if share else f" ± {one.stderr:.2g}"
        chance = "" if one.chance is None else f"{100 * one.chance:.1f}"
        lines.append(f"| {one.suite} | {one.task} | {one.metric} | {value} | {one.n or ''} | {chance} |")
    return "\n".join(lines)


def _with(text: str, section: str) -> str:
    """The text with the section before how to use the model, in place of an older one."""
    if HEADING in text:
        head, _, rest = text.partition(HEADING)
        _, mark, tail = rest.partition("\n## ")
        text = head.rstrip() + ("\n\n## " + tail if mark else "\n")
    head, mark, tail = text.partition(BEFORE)
    return f"{head.rstrip()}\n\n{section}\n" + (f"\n{mark}{tail}" if mark else "")


def facts(subject: Subject) -> dict[str, Any]:
    """What export.json says of the student."""
    return {"name": subject.name, "source": subject.source, "scratch": subject.scratch}
