"""Every request of every task, asked once: from the store, or of the student, batched over all tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lm_eval.api.instance import Instance

from lamini.errors import UserError
from lamini.evaluation.benchmarks.prepared import Prepared
from lamini.evaluation.benchmarks.store import Answer, RequestStore, request_key
from lamini.evaluation.outcome import TaskError
from lamini.evaluation.progress import Progress
from lamini.evaluation.scorer import Scorer

CHUNK = 256  # requests whose answers are generated before any of them is kept

Wanted = dict[str, Instance]
"""Request key -> a request that has it."""


def ask(
    scorer: Callable[[], Scorer],
    tasks: Mapping[str, Prepared],
    store: RequestStore,
    title: str,
) -> dict[str, str]:
    """Have the store hold an answer to every request of these tasks; `scorer` is called if one is missing.

    Returns:
        Task -> why it cannot be asked; the others are answered.

    Raises:
        UserError: a log-probability is NaN: the student's fault, whatever the task.
    """
    names = {request.task_name: name for name, task in tasks.items() for request in task.requests()[:1]}
    wanted, failed = wanted_of(tasks), dict[str, str]()
    cached = sum(key in store.found for key in wanted)
    if cached == len(wanted):
        return {}
    model = scorer()
    with Progress(title, len(wanted), cached) as progress:
        while missing := {key: request for key, request in wanted.items() if key not in store.found}:
            try:
                _ask(model, missing, store, progress)
            except TaskError as error:  # before any batch was computed
                if error.task not in names or names[error.task] in failed:
                    raise
                failed[names[error.task]] = str(error)
                wanted = wanted_of({name: tasks[name] for name in tasks if name not in failed})
    return failed


def _ask(model: Scorer, missing: Wanted, store: RequestStore, progress: Progress) -> None:
    """All of it, one kind of request after the other."""
    for kind in dict.fromkeys(request.request_type for request in missing.values()):
        some = {key: request for key, request in missing.items() if request.request_type == kind}
        if kind == "loglikelihood":
            _likelihoods(model, some, store, progress)
        else:
            _in_chunks(model, kind, some, store, progress)


def wanted_of(tasks: Mapping[str, Prepared]) -> Wanted:
    """Every different request of the tasks; equal ones of two tasks are asked once."""
    wanted: Wanted = {}
    for task in tasks.values():
        for request, keys in zip(task.requests(), task.keys, strict=True):
            for key in keys:
                wanted.setdefault(key, request)
    return wanted


class _Hook:
    """What a Scorer tells as its batches come: every answer goes into the store at once."""

    def __init__(self, model: Scorer, store: RequestStore, progress: Progress) -> None:
        self.model, self.store, self.progress = model, store, progress

    def add_partial(self, kind: str, arguments: Any, value: Any) -> None:
        """Keep one answer."""
        if kind != "loglikelihood":
            return
        if math.isnan(value[0]):
            raise UserError(f"the log-probability of {arguments} is NaN")
        answer = Answer((float(value[0]), bool(value[1])), arguments in self.model.shortened)
        self.store.add(request_key(kind, arguments), answer)
        self.progress.add()


def _likelihoods(model: Scorer, missing: Wanted, store: RequestStore, progress: Progress) -> None:
    """Ask for log-probabilities: sorted and batched by the model over all tasks, kept batch by batch."""
    silent, model.cache_hook = model.cache_hook, _Hook(model, store, progress)
    try:
        model.loglikelihood(list(missing.values()))
    finally:
        model.cache_hook = silent


def _in_chunks(model: Scorer, kind: str, missing: Wanted, store: RequestStore, progress: Progress) -> None:
    """Ask for texts or for whole passages, the longest first, in chunks that are kept when done."""
    order = sorted(missing.items(), key=lambda item: -len(item[1].args[0]))
    for first in range(0, len(order), CHUNK):
        chunk = order[first : first + CHUNK]
        for (key, _), value in zip(chunk, getattr(model, kind)([r for _, r in chunk]), strict=True):
            if isinstance(value, float) and math.isnan(value):
                raise UserError(f"the log-probability of a passage ({kind}) is NaN")
            store.add(key, Answer(value))
        progress.add(len(chunk))
