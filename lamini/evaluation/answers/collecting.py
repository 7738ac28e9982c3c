"""A student answers the instruction set; teachers and finished files are put beside it, once a line.

<student>/evaluation/<suite>.json says what was asked and how: selection, decoding, counts, speed.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.answering import Answered, answered, decoding
from lamini.evaluation.answers import finished, teachers
from lamini.evaluation.answers.instructions import Item, place_of, read, set_digest, template_of
from lamini.evaluation.answers.selection import Selected, select
from lamini.evaluation.answers.table import Joined, Row, decoding_of, write
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.subjects import Subject
from lamini.runs import write_atomically

if TYPE_CHECKING:
    from lamini.evaluation.options import Answers

PACKAGES = {"lamini": "lamini-herd", "transformers": "transformers", "torch": "torch"}

_beside: set[str] = set()  # lines of this process whose teachers and files have been asked for


@dataclass(frozen=True)
class Asked:
    """What a line asks, and what of the file it does not."""

    file: Path
    found: int  # rows of the file
    selected: Selected
    items: list[Item]  # selected, within `limit`


def score(options: Answers, config: EvaluateConfig, subject: Subject) -> Outcome:
    """Have one student answer, and join its answers to the others'.

    Raises:
        UserError: the set cannot be read, the student cannot answer, or the joined file is another set's.
    """
    asked = asked_by(options, config)
    joined = joined_for(options, config, asked)
    failed = beside(options, config, asked, joined)
    model, suite = _origin(subject), suite_of(options, config)
    name = joined.name_for(subject.name, "student", model, f"{subject.folder.parent.name}/{subject.name}")
    result = answered(config, subject, [item.text for item in asked.items], options.max_new_tokens)
    rows = student_rows(name, model, asked.items, result)
    write(subject.result(suite).with_suffix(".parquet"), rows, joined.digest)
    record = {"suite": suite, "student": name, "model": model} | record_of(options, asked, rows, result)
    write_atomically(subject.result(suite), json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    joined.put(rows)
    print(f"{name}: {len(rows)} answers, joined in {joined.path}", flush=True)
    shares = {key: record["counts"][key] / len(rows) for key in ("empty", "truncated", "unfinished")}
    return Outcome(subject.name, "done" if result.generated else "skipped", shares, failed=failed)


def alone(options: Answers, config: EvaluateConfig) -> Path:
    """Join the teacher's answers and finished files without any student; returns the joined file.

    Raises:
        UserError: one of them failed (the others are joined), or there is none.
    """
    if not options.add and config.teacher is None:
        raise UserError("suite=answers has nobody to ask: students=, teacher= or suite.add= says who answers")
    asked = asked_by(options, config)
    joined = joined_for(options, config, asked)
    failed = beside(options, config, asked, joined)
    if failed:
        raise UserError("; ".join(f"{name}: {why}" for name, why in failed.items()))
    return joined.path


def asked_by(options: Answers, config: EvaluateConfig) -> Asked:
    """The instructions of a line.

    Raises:
        UserError: the file is not there or has a row that is none; or nothing is left to ask.
    """
    file = place_of(options.instructions, config.data_dir)
    items = read(file, template_of(options.template))
    selected = select(items, options.selection)
    kept = selected.items[: config.limit]
    if not kept:
        raise UserError(
            f"suite.selection={options.selection} and limit={config.limit} leave nothing of {file}"
        )
    return Asked(file, len(items), selected, kept)


def suite_of(options: Answers, config: EvaluateConfig) -> str:
    """The name of the results; a try on the first few rows does not take the place of the whole."""
    return options.name if config.limit is None else f"{options.name}-first-{config.limit}"


def joined_for(options: Answers, config: EvaluateConfig, asked: Asked) -> Joined:
    """The file that all who answer this set share."""
    folder = Path(config.paths.output_dir) / config.name / "answers"
    return Joined(folder / f"{suite_of(options, config)}.parquet", set_digest(asked.items), config.force)


def beside(options: Answers, config: EvaluateConfig, asked: Asked, joined: Joined) -> dict[str, str]:
    """Put the teacher's answers and finished files into the joined file; who failed -> why.

    Once a line, whatever number of students it has. Nothing of it concerns the student at hand, so a failure
    is told and stops nobody.
    """
    line = repr((joined.path, joined.digest, options, config.teacher, config.log))
    if line in _beside:
        return {}
    _beside.add(line)
    template = template_of(options.template)
    sources: dict[str, tuple[str, str, Callable[[], list[Row]]]] = {}
    for name, path in options.add.items():
        rows = partial(finished.rows, name, path, asked.items, template)
        sources[name] = ("file", Path(path).name, rows)
    if config.teacher is not None:
        rows = partial(teachers.rows, config, asked.items, options.system, options.sampling)
        sources[teachers.name_of(config.teacher)] = ("teacher", "", rows)
    failed = {}
    for name, (source, model, found) in sources.items():
        try:
            called = joined.name_for(name, source, model, f"{source}/{name}")
            joined.put([{**row, "student": called} for row in found()])
        except UserError as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            failed[name] = str(error)
    return failed


def student_rows(name: str, model: str, items: Sequence[Item], result: Answered) -> list[Row]:
    """One row an instruction, in order."""
    how = decoding_of(result.setting["decoding"])
    return [
        {
            "student": name, "source": "student", "instruction_id": item.id, "app": item.app,
            "instruction": item.text, "response": answer.text, "decoding": how, "model": model,
            "tokens": answer.tokens, "truncated": answer.cut, "finished": answer.finished, "error": None,
        }
        for item, answer in zip(items, result.answers, strict=True)
    ]  # fmt: skip


def record_of(options: Answers, asked: Asked, rows: Sequence[Row], result: Answered) -> dict[str, Any]:
    """The facts of <suite>.json beside who answered."""
    layout, selected = result.setting["layout"], asked.selected
    return {
        "weights": result.setting["weights"],
        "precision": result.setting["precision"],
        "wrapper": result.wrapper,
        "context": layout["context"],
        "instructions": {
            "file": str(asked.file), "rows": asked.found, "asked": len(rows),
            "template": options.template, "digest": set_digest(asked.items),
        },
        "selection": {
            "rule": options.selection, "kept": len(selected.items),
            "dropped_by_app": selected.apps, "dropped_by_task": selected.tasks,
        },
        "decoding": decoding(options.max_new_tokens),
        "counts": {
            "answers": len(rows),
            "empty": sum(not row["response"] for row in rows),
            "truncated": sum(row["truncated"] for row in rows),
            "unfinished": sum(not row["finished"] for row in rows),
            "tokens": sum(row["tokens"] for row in rows),
        },
        "speed": {
            "generated": result.generated, "tokens": result.tokens, "seconds": result.seconds,
            "tokens_per_second": result.tokens_per_second,
        },
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(package) for name, package in PACKAGES.items()},
        },
    }  # fmt: skip


def _origin(subject: Subject) -> str:
    """Folder or hub id, the same from wherever it is named."""
    folder = Path(subject.source).expanduser()
    return str(folder.resolve()) if folder.is_dir() else subject.source
