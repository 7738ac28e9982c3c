"""A study on the disk: which trials there were, which values come next, and which trial is the best.

What comes next depends on the trials before and on a seed of the trial's own, never on how long this process
has lived: a study that was killed and continued chooses what it would have chosen in one go. The values are
drawn in a copy of the study in memory, and the trial gets into the file whole, in one line.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from lamini.errors import UserError
from lamini.runs import reason
from lamini.search.options import Pruners, Samplers, Search
from lamini.search.space import Choice, Dimension, Interval, Question

NAME = "search"  # of the study in its file, which holds only one

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class Study:
    """The trials of a search, in its file."""

    def __init__(self, question: Question) -> None:
        self.search = question.search
        self.keys = {_name(dimension): dimension for dimension in question.dimensions}
        self.kept = opened(question.search)

    def trials(self) -> list[FrozenTrial]:
        """All of them, by number."""
        return self.kept.get_trials(deepcopy=False)

    def unfinished(self) -> list[FrozenTrial]:
        """Those whose outcome is not known: they were running when their line ended."""
        return [trial for trial in self.trials() if trial.state == TrialState.RUNNING]

    def new(self) -> FrozenTrial:
        """The next trial."""
        before = self.trials()
        number = len(before)
        copy = optuna.create_study(
            direction=self.search.direction.value, study_name=NAME, sampler=sampler_of(self.search, number)
        )
        copy.add_trials(before)
        distributions = {name: distribution(dimension) for name, dimension in self.keys.items()}
        drawn = copy.ask(distributions).params
        params = {name: rounded(drawn[name], dimension) for name, dimension in self.keys.items()}
        self.kept.add_trial(
            optuna.create_trial(state=TrialState.RUNNING, params=params, distributions=distributions)
        )
        return self.trials()[number]

    def words(self, trial: FrozenTrial) -> list[str]:
        """Its values as words of a command line."""
        return [f"{self.keys[name].key}={spelled(value)}" for name, value in trial.params.items()]

    def done(self, trial: FrozenTrial, value: float) -> None:
        """It came to its end."""
        self.kept.tell(trial.number, value)

    def pruned(self, trial: FrozenTrial) -> None:
        """It was given up; its last validation counts."""
        self.kept.tell(trial.number, state=TrialState.PRUNED)

    def failed(self, trial: FrozenTrial) -> None:
        """It has no value and never will."""
        self.kept.tell(trial.number, state=TrialState.FAIL)

    def ranked(self) -> list[FrozenTrial]:
        """Done ones, best first, then pruned, failed and unfinished ones by number."""
        sign = -1 if self.search.direction.value == "maximize" else 1
        order = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]

        def place(trial: FrozenTrial) -> tuple[int, float, int]:
            done = trial.state == TrialState.COMPLETE
            return order.index(trial.state), sign * (trial.value or 0.0) if done else 0.0, trial.number

        return sorted(self.trials(), key=place)


def opened(search: Search) -> optuna.Study:
    """The study in the file, made where there is none; Optuna's lock lets many machines write.

    Raises:
        UserError: the file cannot be read or written.
    """
    path = Path(search.storage)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _mend(path)
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path))), study_name=NAME, load_if_exists=True,
            direction=search.direction.value, sampler=RandomSampler(), pruner=pruner_of(search),
        )  # fmt: skip
    except OSError as error:
        raise UserError(
            f"hydra.sweeper.storage={path} cannot be written ({reason(error)}); name a file in a folder that"
            " every machine of the search shares"
        ) from error
    except Exception as error:  # Optuna has no one exception for a file that is none of its own
        raise UserError(
            f"hydra.sweeper.storage={path} holds no study that can be read ({' '.join(str(error).split())});"
            " remove it: what its trials trained is found in their folders"
        ) from error


def hopeless(search: Search, number: int, validation: int, value: float) -> bool:
    """Report what a trial came to at its validation of this number; whether the study gives it up there."""
    study = opened(search)
    (own,) = (trial for trial in study.get_trials(deepcopy=False) if trial.number == number)
    reporting = optuna.trial.Trial(study, own._trial_id)  # Optuna has no way into a trial by its number
    if validation not in own.intermediate_values:  # else it was killed after it had reported
        reporting.report(value, validation)
    return reporting.should_prune()


def _mend(path: Path) -> None:
    """Cut off a last line that a crash of the machine has left half written."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        content = file.read()
        if not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)
            os.fsync(file.fileno())


def sampler_of(search: Search, number: int) -> BaseSampler:
    """The sampler of trial `number`, its random state a function of the study's seed and that number."""
    seed = (search.seed * 1_000_003 + number) % 2**32
    startup = search.sampler.startup_trials
    if search.sampler.name is Samplers.tpe:
        return TPESampler(n_startup_trials=startup, seed=seed)
    if search.sampler.name is Samplers.gp:
        return GPSampler(n_startup_trials=startup, seed=seed)
    return RandomSampler(seed=seed)


def pruner_of(search: Search) -> BasePruner:
    """What decides at a validation, whose number is Optuna's `step`."""
    pruner = search.pruner
    if pruner.name is Pruners.median:
        return MedianPruner(pruner.startup_trials, n_warmup_steps=pruner.warmup)
    return NopPruner()


def distribution(dimension: Dimension) -> BaseDistribution:
    """Optuna's word for it."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    if dimension.whole:
        step = int(dimension.step or 1)
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log, step=step)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def rounded(value: Any, dimension: Dimension) -> Any:
    """Four digits are enough for a learning rate, and can be read: 0.0036982625036 -> 0.003698."""
    if isinstance(dimension, Choice) or dimension.whole:
        return value
    if dimension.step is not None:
        return round(value, 10)  # 0.1 + 0.2 is 0.30000000000000004
    return min(max(float(f"{value:.4g}"), dimension.low), dimension.high)


def spelled(value: Any) -> str:
    """A value as the command line reads it, exactly."""
    return value if isinstance(value, str) else repr(value)


def _name(dimension: Choice | Interval) -> str:
    return dimension.key.lstrip("+~")
