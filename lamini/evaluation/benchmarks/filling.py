"""Requests of one task asked by a worker, into a store of its own that is merged into the student's.

A worker's file is called <task>.<attempt>.<store>: a killed line's files say themselves where they belong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation.benchmarks.asking import ask
from lamini.evaluation.benchmarks.prepared import prepare
from lamini.evaluation.benchmarks.scoring import Case
from lamini.evaluation.benchmarks.store import RequestStore, answers_in
from lamini.evaluation.filled import Cost
from lamini.evaluation.scorer import Scorer
from lamini.evaluation.subjects import Subject
from lamini.students.prompts import wrapper_named
from lamini.workers.board import Here

_kept: dict[str, Scorer] = {}  # of the last student: at most one


def fill(here: Here, config: EvaluateConfig, subject: Subject) -> dict[str, Cost | None]:
    """Ask a student all requests of the suite's one task that neither its results nor its store hold.

    Raises:
        UserError: the task cannot be loaded or asked, or the student cannot be.
    """
    prepared = prepare(config.suite, config)
    if prepared.failed:
        raise UserError("; ".join(prepared.failed.values()))
    case = Case(config.suite, config, subject)
    names = dict[str, Cost | None]()
    for wrapper, tasks in case.pending(prepared).items():
        if not tasks:
            continue
        store = case.store(wrapper)
        earlier = [] if config.force else [store]
        with RequestStore(here.file(f".{store.name}"), case.about(wrapper)) as own:
            for file in (*earlier, *here.files(f".{store.name}")):
                own.found |= answers_in(file)
            failed = ask(lambda w=wrapper: _scorer(case, w), {t.name: t for t in tasks}, own, "")  # type: ignore[misc]
        if failed:
            raise UserError("; ".join(failed.values()))
        names[store.name] = None
    return names


def _scorer(case: Case, wrapper: str) -> Scorer:
    """The student's model; the one before is let go first, since two may not fit into memory."""
    key = f"{case.subject.source} {case.student['key']}"
    if key not in _kept:
        _kept.clear()
        _kept[key] = case.scorer
    _kept[key].wrap = wrapper_named(wrapper)
    return _kept[key]


def merge(files: Sequence[Path], place: Path, fresh: bool) -> int:
    """Put workers' files into the stores under `place`; how many answers. `fresh`: stores begin anew.

    Raises:
        UserError: a store cannot be written.
    """
    begun, count = set[Path](), 0
    for file in files:
        found = answers_in(file)
        if not found:  # its worker was killed before it had asked anything
            continue
        path = place / file.name.split(".", 2)[2]
        if fresh and path not in begun:
            path.unlink(missing_ok=True)
        begun.add(path)
        count += len(found)
        with RequestStore(path, _about(file)) as store:
            for key, answer in found.items():
                if key not in store.found:
                    store.add(key, answer)
    return count


def _about(file: Path) -> dict[str, object]:
    """The first line of a store: what its name stands for."""
    with file.open(encoding="utf-8") as lines:
        found: dict[str, object] = json.loads(lines.readline())["about"]
    return found
