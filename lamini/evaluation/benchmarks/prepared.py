"""The tasks of a suite, loaded once a process and shared by all students: rows, requests, keys.

lm-eval builds a task's requests from its rows in every call of `evaluate`; they are the same for every
student, so here they are built once and handed over again.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from lm_eval.api.group import Group
from lm_eval.api.instance import Instance
from lm_eval.api.task import Task

from lamini.config import EvaluateConfig
from lamini.evaluation.benchmarks.chance import chance
from lamini.evaluation.benchmarks.store import keys_of
from lamini.evaluation.benchmarks.tasks import load
from lamini.evaluation.identity import key_of
from lamini.evaluation.options import Benchmarks, BenchmarkTask

ELSEWHERE = ("dataset_path", "dataset_name", "dataset_kwargs", "custom_dataset", "metadata")
"""Fields of a task that say where rows lie; the rows themselves are in its key."""


@dataclass
class Prepared:
    """A task, how it is told, and how many of its rows are asked (None: all)."""

    name: str
    task: Task
    told: BenchmarkTask
    limit: int | None
    _chances: dict[str, float | None] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Of version, configuration and rows: all that decides requests and judgement."""
        settings = {name: value for name, value in self.task.dump_config().items() if name not in ELSEWHERE}
        rows = hashlib.sha256()
        for doc in islice(self.task.eval_docs, self.limit):
            rows.update(json.dumps(doc, sort_keys=True, default=str).encode())
        return key_of(self.name, self.version, settings, self.limit, rows.hexdigest())

    @property
    def version(self) -> str:
        """lm-eval's number of the task."""
        return str(self.task.VERSION)

    @property
    def column(self) -> str:
        """Its name in tables: the paper's where it has one."""
        return self.told.paper or self.name

    def chance(self, metric: str) -> float | None:
        """What guessing gets, a share; None where nobody can guess."""
        if metric not in self._chances:
            self._chances[metric] = chance(self.task, metric)
        return self._chances[metric]

    @cached_property
    def size(self) -> int:
        """Rows that are asked."""
        rows = len(self.task.eval_docs)
        return rows if self.limit is None else min(rows, self.limit)

    def requests(self) -> list[Instance]:
        """lm-eval's requests, without the answers of the student before."""
        instances = self._built
        for instance in instances:
            instance.resps, instance.filtered_resps = [], {}
        return instances

    @cached_property
    def keys(self) -> list[list[str]]:
        """Of every request, those under which the store has its answers; hashed once for all students."""
        return keys_of(self._built)

    @cached_property
    def _built(self) -> list[Instance]:
        with quietly():
            self.task.build_all_requests(limit=self.limit)
        return list(self.task.instances)

    @contextmanager
    def standing(self) -> Iterator[None]:
        """In here lm-eval finds the requests built when it has them built."""
        task: Any = self.task
        task._instances = self.requests()
        task.build_all_requests = lambda **_: None
        try:
            yield
        finally:
            del task.build_all_requests


@dataclass(frozen=True)
class PreparedSuite:
    """Tasks in the suite's order, groups that make one number of several, and what cannot be loaded."""

    tasks: dict[str, Prepared]
    groups: dict[str, Group]
    failed: dict[str, str]


_prepared: dict[str, PreparedSuite] = {}


def prepare(suite: Benchmarks, config: EvaluateConfig) -> PreparedSuite:
    """The suite's tasks, loaded at the first call of this process."""
    told, limit = suite.chosen(), suite.rows(config)
    key = key_of(told, config.data_dir, suite.include_path, limit)
    if key not in _prepared:
        data_dir, include_path = (
            Path(folder).expanduser() if folder else None for folder in (config.data_dir, suite.include_path)
        )
        rows = {name: entry.rows for name, entry in told.items() if entry.rows}
        with quietly():
            failed = load(list(told), data_dir, include_path, rows).failed
        tasks, groups = dict[str, Prepared](), dict[str, Group]()
        for name, entry in told.items():
            loaded = load([name], data_dir, include_path, rows)  # loaded already: which tasks are its own
            tasks |= {leaf: Prepared(leaf, task, entry, limit) for leaf, task in loaded.tasks.items()}
            groups |= {
                label: group
                for label, group in loaded.groups.items()
                if label == name and group.has_aggregation
            }
        _prepared[key] = PreparedSuite(tasks, groups, failed)
    return _prepared[key]


@contextmanager
def quietly() -> Iterator[None]:
    """Without the bars and prints of libraries: ours is the line that says how far it is."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def first_words(error: BaseException) -> str:
    """An exception of somebody else's code in one line."""
    lines: list[Any] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
