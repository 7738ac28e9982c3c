"""One student and one suite: what its files hold already is kept, the rest is asked, judged and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout

from lamini.config import EvaluateConfig
from lamini.errors import UserError
from lamini.evaluation import identity
from lamini.evaluation.benchmarks import results, samples, significance
from lamini.evaluation.benchmarks.asking import ask
from lamini.evaluation.benchmarks.judging import judge
from lamini.evaluation.benchmarks.loading import folder_of, scorer_of, tokenizer_of, wrapper_name
from lamini.evaluation.benchmarks.prepared import Prepared, PreparedSuite, first_words, prepare
from lamini.evaluation.benchmarks.store import RequestStore
from lamini.evaluation.filled import again
from lamini.evaluation.options import Benchmarks
from lamini.evaluation.outcome import Outcome
from lamini.evaluation.scorer import Scorer
from lamini.evaluation.subjects import Subject
from lamini.students.prompts import wrapper_named


def score(suite: Benchmarks, config: EvaluateConfig, subject: Subject) -> Outcome:
    """Bring evaluation/<suite>.json of a student up to date, and say what came of it.

    Raises:
        UserError: what concerns this student: no tokenizer or weights that load, a log-probability that is
            NaN, another process that scores it, a full disk.
    """
    prepared = prepare(suite, config)
    case = Case(suite, config, subject)
    with case.locked():
        pending = case.pending(prepared)
        for wrapper, tasks in pending.items():
            if tasks or case.holds_others(wrapper, prepared):
                case.extend(wrapper, tasks, prepared)
        return case.outcome(prepared, skipped=not any(pending.values()))


@dataclass
class Case:
    """A student with its suite: what decides the numbers, and the files that hold them."""

    suite: Benchmarks
    config: EvaluateConfig
    subject: Subject

    @cached_property
    def folder(self) -> Path:
        """Of weights and tokenizer."""
        return folder_of(self.subject)

    @cached_property
    def tokenizer(self) -> Any:
        """As it was saved."""
        return tokenizer_of(self.folder)

    @cached_property
    def file(self) -> Path:
        """The JSON."""
        return results.place(self.subject, self.suite.name, self.config.limit)

    @cached_property
    def student(self) -> dict[str, Any]:
        """The student as the JSON tells it; `key` is all that decides an answer beside the wrapper."""
        weights, tokenizer = identity.weights_digest(self.folder), identity.tokenizer_digest(self.folder)
        judge = identity.versions()["lm_eval"]
        key = identity.key_of(weights, tokenizer, self.config.precision, identity.SCORING, judge)
        return {
            "name": self.subject.name, "source": self.subject.source, "key": key, "weights": weights,
            "tokenizer": tokenizer, "scratch": self.subject.scratch,
        }  # fmt: skip

    @cached_property
    def trained(self) -> str:
        """The wrapper it was trained with."""
        return wrapper_name(self.subject, self.tokenizer)

    @property
    def wrappers(self) -> list[str]:
        """Those asked for; the first one is the main one."""
        if self.config.wrapper == "both":
            return [self.trained, "alpaca" if self.trained == "bare" else "bare"]
        return [self.trained if self.config.wrapper == "auto" else self.config.wrapper]

    @cached_property
    def parts(self) -> dict[str, results.Part]:
        """What the JSON holds of this very student."""
        found = results.read(self.file)
        same = not self.config.force and found.get("student", {}).get("key") == self.student["key"]
        return results.parts_of(found) if same else {}

    @cached_property
    def outcomes(self) -> dict[tuple[str, str], pa.Table]:
        """(wrapper, key of a task) -> its rows."""
        return samples.rows_of(samples.read(results.beside(self.file, "outcomes"), samples.OUTCOMES))

    @cached_property
    def samples(self) -> dict[tuple[str, str], pa.Table]:
        """The same of the large file."""
        return samples.rows_of(samples.read(results.beside(self.file, "samples"), samples.SAMPLES))

    @cached_property
    def scorer(self) -> Scorer:
        """The model, loaded when the first request needs it."""
        return scorer_of(self.config, self.folder, self.tokenizer)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes the same files.

        Raises:
            UserError: another process does.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.file.with_name(f".{self.file.stem}.lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise UserError(f"{self.file} is being written by another process; wait for it") from None
        try:
            yield
        finally:
            lock.release()

    def pending(self, prepared: PreparedSuite) -> dict[str, list[Prepared]]:
        """Wrapper -> the tasks that its part lacks, or has of other rows or another version."""
        return {
            wrapper: [task for task in prepared.tasks.values() if not self.holds(wrapper, task)]
            for wrapper in self.wrappers
        }

    def holds(self, wrapper: str, task: Prepared) -> bool:
        """Whether all that is wanted of the task stands in the files."""
        entry = self.parts.get(wrapper, {}).get("tasks", {}).get(task.name)
        if entry is None or entry["key"] != task.key:
            return False
        if task.told.metric not in (None, entry["headline"], entry["headline"].partition(",")[0]):
            return False
        where = (wrapper, task.key)
        kept = self.outcomes[where].num_rows if where in self.outcomes else 0
        return kept == entry["by_row"] and (not self.config.samples or where in self.samples)

    def holds_others(self, wrapper: str, prepared: PreparedSuite) -> bool:
        """Whether the part has tasks that the suite had once: its means would be of those too."""
        return bool(self.parts.get(wrapper, {}).get("tasks", {}).keys() - prepared.tasks.keys())

    def extend(self, wrapper: str, tasks: Sequence[Prepared], prepared: PreparedSuite) -> None:
        """Ask and judge these tasks; every file is replaced when all of them are through."""
        failed = dict(prepared.failed)
        ready = {}
        for task in tasks:
            try:
                task.requests()
                ready[task.name] = task
            except Exception as error:  # templates and functions of a task's own
                failed[task.name] = f"its requests cannot be built ({first_words(error)})"
        wrap = wrapper_named(wrapper)

        def scorer() -> Scorer:
            self.scorer.wrap = wrap
            return self.scorer

        place = self.store(wrapper)
        if again(self.config.force, place.name):
            place.unlink(missing_ok=True)
        with RequestStore(place, self.about(wrapper)) as store:
            title = f"{self.subject.name} ({wrapper}), {len(ready)} task(s)"
            failed |= ask(scorer, ready, store, title)
            kept = dict(self.parts.get(wrapper, {}).get("tasks", {}))
            for task in tasks:
                kept.pop(task.name, None)
                if task.name not in failed:
                    try:
                        judged = judge(task, store.found)
                        first = wrap(task.requests()[0].args[0])
                        kept[task.name] = results.task_entry(task, judged, first)
                        self._keep(task, wrapper, judged)
                    except Exception as error:  # metrics of a task's own
                        failed[task.name] = str(error) if isinstance(error, UserError) else first_words(error)
        ordered = {name: kept[name] for name in prepared.tasks if name in kept}
        self.parts[wrapper] = results.part(ordered, prepared.groups, failed)
        if ordered:  # else what stands there is worth more
            self._write()

    def about(self, wrapper: str) -> dict[str, Any]:
        """What the name of its store stands for."""
        return {"suite": self.suite.name, "wrapper": wrapper, **self.student}

    def store(self, wrapper: str) -> Path:
        """Of the answers of this student in this wrapper, whatever the suite."""
        key = identity.key_of(self.student["key"], wrapper)
        return Path(self.config.paths.cache_dir) / "evaluation" / f"{self.subject.name}-{wrapper}-{key}.jsonl"

    def _keep(self, task: Prepared, wrapper: str, judged: Any) -> None:
        where = (wrapper, task.key)
        if judged.outcomes is not None:
            self.outcomes[where] = samples.outcomes_of(task, wrapper, judged)
        if self.config.samples:
            self.samples[where] = samples.samples_of(task, wrapper, wrapper_named(wrapper), judged)

    def _write(self) -> None:
        """The rows that the parts speak of, then the parts."""
        wanted = {
            (wrapper, entry["key"])
            for wrapper, part in self.parts.items()
            for entry in part["tasks"].values()
        }
        for what, tables, schema in (
            ("outcomes", self.outcomes, samples.OUTCOMES), ("samples", self.samples, samples.SAMPLES),
        ):  # fmt: skip
            chosen = [table for where, table in tables.items() if where in wanted]
            if chosen or what == "outcomes":
                samples.write(results.beside(self.file, what), [schema.empty_table(), *chosen])
        main = self.trained if self.trained in self.parts else next(iter(self.parts))
        for wrapper, part in self.parts.items():
            part.pop("difference", None)
            if wrapper != main:
                part["difference"] = significance.difference(
                    self.parts[main], part, self._of(main), self._of(wrapper), self.config.seed
                )
        about = {
            "suite": self.suite.name, "student": self.student, "versions": identity.versions(),
            "limit": self.suite.rows(self.config), "precision": self.config.precision,
        }  # fmt: skip
        results.write(self.file, about, main, self.parts)

    def _of(self, wrapper: str) -> dict[str, pa.Table]:
        """Key of a task -> its rows in one wrapper."""
        return {key: table for (name, key), table in self.outcomes.items() if name == wrapper}

    def outcome(self, prepared: PreparedSuite, skipped: bool) -> Outcome:
        """The student's line: the numbers of the first wrapper asked for, what failed in any."""
        failed: dict[str, str] = dict(prepared.failed)
        for wrapper in self.wrappers:
            failed |= self.parts.get(wrapper, {}).get("failed", {})
        part = self.parts.get(self.wrappers[0])
        if part is None or not part["tasks"]:
            return Outcome(
                self.subject.name, "failed", error="not one of its tasks could be scored", failed=failed
            )
        return Outcome(
            self.subject.name, "skipped" if skipped else "done", results.numbers(part), failed=failed
        )
