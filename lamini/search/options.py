"""Keys of `hydra.sweeper` with `hydra/sweeper=optuna`, and what can be wrong with them. Imports no Optuna."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lamini.errors import UserError
from lamini.mistakes import explain

PLUGIN = "hydra_plugins.lamini_optuna.OptunaSweeper"
LOSSES = ("validation_loss", "validation_bits_per_byte")


class Direction(Enum):
    """Which metric is the better one."""

    minimize = "minimize"
    maximize = "maximize"


class Samplers(Enum):
    """How the next values are chosen."""

    tpe = "tpe"
    random = "random"
    gp = "gp"


class Pruners(Enum):
    """When a trial is given up. (Optuna's hyperband keeps state beside the trials that a crash may tear.)"""

    median = "median"
    none = "none"


@dataclass
class Sampler:
    name: Samplers  # tpe (by what came out), gp (Gaussian process: few trials, slow to choose) or random
    startup_trials: int  # trials at random before it goes by what came out


@dataclass
class Pruner:
    name: Pruners  # median (worse than half of the trials were then), or none
    startup_trials: int  # whole trials before any is pruned
    warmup: int  # validations that every trial gets


@dataclass
class Search:
    """One study: a search over `params`, in one folder, continued by the same line."""

    _target_: str  # Hydra's plugin
    n_trials: int  # in all, those of earlier starts of the same line included
    n_jobs: int  # trials at the same time, for launchers that bear it; they wait for each other
    metric: str  # number in run.json: auto, validation_loss, ..., held_out.new_instances.student
    direction: Direction  # minimize or maximize
    sampler: Sampler
    pruner: Pruner  # by the validation loss, at validations
    seed: int  # of the sampler; of the students it is the key seed
    storage: str  # file of the study, in a folder that all machines share
    params: dict[str, Any]  # key -> what it may be, as on the command line: tag(log,interval(1e-5,1e-2))
    trial: int | None  # number of a trial; filled in for each

    def check(self) -> None:
        """Raise UserError for what cannot work."""
        if find_spec("optuna") is None:
            raise UserError(
                "hydra/sweeper=optuna needs the package optuna, which is not installed:"
                " pip install 'lamini-herd[search]'"
            )
        numbers = {
            "n_trials": (self.n_trials, 1), "n_jobs": (self.n_jobs, 1), "seed": (self.seed, 0),
            "sampler.startup_trials": (self.sampler.startup_trials, 1),
            "pruner.startup_trials": (self.pruner.startup_trials, 0),
            "pruner.warmup": (self.pruner.warmup, 0),
        }  # fmt: skip
        for key, (value, least) in numbers.items():
            if value < least:
                raise UserError(f"hydra.sweeper.{key}={value} must be at least {least}")
        losses = self.metric in ("auto", *LOSSES)
        if losses and self.direction is Direction.maximize:
            raise UserError(f"hydra.sweeper.direction=maximize: {self.metric} is better where it is lower")
        if not losses and self.pruner.name is not Pruners.none:
            raise UserError(
                f"hydra.sweeper.metric={self.metric} is known only when a student is done, so nothing can be"
                " pruned by it; add hydra.sweeper.pruner.name=none"
            )
        if not losses and self.metric.split(".")[0] not in _NUMBERS:
            raise UserError(
                f"hydra.sweeper.metric={self.metric} is no number of run.json; there are: auto"
                f" {' '.join(_NUMBERS)} (held_out.<axis>.student)"
            )


@dataclass(frozen=True)
class Trial:
    """One trial of a search, as the process that trains its student knows it."""

    search: Search  # its metric is no longer `auto`
    number: int


_NUMBERS = (*LOSSES, "train_loss", "response_tokens_per_second", "seconds", "held_out")


def is_search(sweeper: DictConfig) -> bool:
    """Whether the node `hydra.sweeper` is ours."""
    return bool(sweeper._target_ == PLUGIN)


def trial_of(sweeper: DictConfig) -> Trial | None:
    """The trial that a job of Hydra's is; None where it is none of a search."""
    if not is_search(sweeper) or sweeper.trial is None:
        return None
    search = search_of(sweeper)
    assert search.trial is not None
    return Trial(search, search.trial)


def search_of(sweeper: DictConfig) -> Search:
    """The node as its dataclass, checked.

    Raises:
        UserError: an unknown key, a wrong type, or a value that cannot work.
    """
    try:
        merged = OmegaConf.merge(OmegaConf.structured(Search), OmegaConf.to_container(sweeper, resolve=True))
        search = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise UserError(f"hydra.sweeper.{explain(error)}") from error
    assert isinstance(search, Search)
    search.check()
    return search
