"""The trials of a search: asked for, checked, launched through whatever launcher there is, and told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from optuna.trial import FrozenTrial

from lamini.checks import check_values
from lamini.compose import varied
from lamini.config import TrainConfig
from lamini.errors import UserError
from lamini.runs import RunFolder
from lamini.schema import typed
from lamini.search import summary
from lamini.search.asking import question_of
from lamini.search.study import Study, spelled

STUDENT = {"model", "family", "size"}  # what every folder's name begins with
Launch = Callable[[list[list[str]], int], object]
"""(words of each job, number of the first) -> when all of them have ended."""


@dataclass(frozen=True)
class Trial:
    """One of the study's, with the words of its job and the folder it will write."""

    frozen: FrozenTrial
    words: list[str]
    folder: Path


class Trials:
    """All trials of one line; `master` is the configuration that Hydra composed for the sweep."""

    def __init__(self, master: DictConfig, loader: ConfigLoader) -> None:
        self.master, self.loader = master, loader
        question, self.fixed = question_of(master, loader)
        self.search, self.study = question.search, Study(question)
        self.folder = Path(master.hydra.sweep.dir)
        before = summary.read(self.folder)
        self.line = before.get("line", {})
        self.runs = {row["trial"]: row["run"] for row in before.get("trials", [])}
        self.left: set[int] = set()  # launched by this process, and neither done nor failed

    def run(self, launch: Launch, stopped: Callable[[], bool]) -> None:
        """Until there are `n_trials`, or the line is `stopped`."""
        while not stopped() and (batch := self._batch()):
            launch([trial.words for trial in batch], batch[0].frozen.number)
            for trial in batch:
                self._tell(trial)
            self._summarise()
        self._summarise()

    def _batch(self) -> list[Trial]:
        """What is launched next: first what an earlier start of the line left, then new trials."""
        waiting = [trial for trial in self.study.unfinished() if trial.number not in self.left]
        batch: list[Trial] = []
        while len(batch) < self.search.n_jobs:
            if waiting:
                frozen = waiting.pop(0)
            elif len(self.study.trials()) < self.search.n_trials:
                frozen = self.study.new()
            else:
                break
            try:
                batch.append(self._checked(frozen))
            except UserError as error:
                print(f"trial {frozen.number}: failed: {error}", file=sys.stderr, flush=True)
                self.study.failed(frozen)
        return batch

    def _checked(self, frozen: FrozenTrial) -> Trial:
        """The trial with the words of its job.

        Raises:
            UserError: its values do not make a student.
        """
        words = [*self.fixed, *self.study.words(frozen), f"hydra.sweeper.trial={frozen.number}"]
        words.append(f"hydra.sweep.subdir='${{family.name}}-${{size.name}},{named(frozen)}'")
        config = self.loader.load_sweep_config(self.master, words)
        check_values(typed(config, TrainConfig))
        self.runs[frozen.number] = config.hydra.sweep.subdir
        return Trial(frozen, words, self.folder / config.hydra.sweep.subdir)

    def _tell(self, trial: Trial) -> None:
        """What came out, as its run.json says; a trial that was stopped or killed stays open."""
        record = RunFolder(trial.folder).record()
        value = found(record, self.search.metric)
        if record.get("pruned"):
            self.study.pruned(trial.frozen)
        elif record.get("status") == "done" and value is not None:
            self.study.done(trial.frozen, value)
        elif record.get("status") in ("done", "failed"):
            self.study.failed(trial.frozen)
        else:
            self.left.add(trial.frozen.number)

    def _summarise(self) -> None:
        rows = []
        for frozen in self.study.ranked():
            rows.append({
                "trial": frozen.number, "state": frozen.state.name.lower(), self.search.metric: frozen.value,
                "values": {key: spelled(value) for key, value in frozen.params.items()},
                "run": self.runs.get(frozen.number),
            })  # fmt: skip
        summary.write(self.folder, self.line, rows)


def named(frozen: FrozenTrial) -> str:
    """The tail of a run folder's name: trial=007,batch_size=8,optimizer.lr=0.003698."""
    values = {key: spelled(value) for key, value in sorted(frozen.params.items()) if key not in STUDENT}
    return f"trial={frozen.number:03d}" + varied(",".join(f"{key}={text}" for key, text in values.items()))


def found(record: dict[str, Any], metric: str) -> float | None:
    """The number that `metric` names in run.json: held_out.new_instances.student lies three deep."""
    value: Any = record
    for name in metric.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None
