"""What a search may choose from, read in Hydra's own words: choice, range, interval, int, tag(log, ...)."""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from lamini.errors import UserError
from lamini.search.options import Search

LEAST_WEIGHT = 0.001  # a source of weight 0 would leave the validation pairs too
MOST_CORNERS = 64
# What changes the pairs that are validated on: losses of such trials would not compare.
UNLIKE = ("data", "data.*", "validation.*", "limit", "context", "max_rejected")
WEIGHT = "data.sources.*.weight"
ELSEWHERE = ("mode", "name", "force", "logger", "logger.*", "paths.*", "trainer.devices", "trainer.strategy")


@dataclass(frozen=True)
class Choice:
    """One of several values, spelled as on the command line."""

    key: str
    values: tuple[str, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """Values that are tried out before a search begins."""
        return self.values

    def __str__(self) -> str:
        return ",".join(self.values)


@dataclass(frozen=True)
class Interval:
    """A number from `low` to `high`, both possible; `step` is None where all between are."""

    key: str
    low: float
    high: float
    log: bool = False
    step: float | None = None  # whole numbers: 1 or more

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[str, ...]:
        """As `Choice.ends`."""
        return (repr(self.low), repr(self.high))

    def __str__(self) -> str:
        step = "" if self.step is None else f" by {self.step}"
        return f"{self.low} to {self.high}{step}{' (log)' * self.log}"


Dimension = Choice | Interval


@dataclass(frozen=True)
class Question:
    """What a line searches for: the options and what there is to choose from."""

    search: Search
    dimensions: tuple[Dimension, ...]


def space_of(overrides: Sequence[Override]) -> tuple[list[Dimension], list[str]]:
    """The dimensions of a search, and the words of its line that stay the same in every trial.

    `model=t5-nano optimizer.lr=tag(log,interval(1e-5,1e-2)) batch_size=8,16` has the dimensions optimizer.lr
    and batch_size. Of two words with one key the later counts.

    Raises:
        UserError: nothing to choose from, an empty interval, a log of 0, or what would not compare.
    """
    last = {override.get_key_element(): override for override in overrides}
    swept = {key: override for key, override in last.items() if override.is_sweep_override()}
    dimensions = [_dimension(key, override) for key, override in swept.items()]
    if not dimensions:
        raise UserError(
            "hydra/sweeper=optuna has nothing to choose from; give a key several values, for example"
            " 'optimizer.lr=tag(log,interval(1e-5,1e-2))' batch_size=8,16"
        )
    fixed = [f"{key}={o.get_value_element_as_str()}" for key, o in last.items() if key not in swept]
    return dimensions, fixed


def corners(dimensions: Sequence[Dimension]) -> list[list[str]]:
    """Words of trials at the ends of every dimension: all pairs of ends, or of many each end once.

    lr from 1 to 9 and two batch sizes: [lr=1, batch=8], [lr=1, batch=16], [lr=9, batch=8], [lr=9, batch=16].
    """
    words = [[f"{dimension.key}={end}" for end in dimension.ends] for dimension in dimensions]
    total = 1
    for ends in words:
        total *= len(ends)
    if total <= MOST_CORNERS:
        return [list(corner) for corner in itertools.product(*words)]
    most = max(len(ends) for ends in words)
    return [[ends[number % len(ends)] for ends in words] for number in range(most)]


def _dimension(key: str, override: Override) -> Dimension:
    name, value = key.lstrip("+~"), override.value()
    weight = fnmatch.fnmatchcase(name, WEIGHT)
    _check_key(name, weight)
    if isinstance(value, IntervalSweep):
        return _interval(key, override, value, weight)
    if isinstance(value, RangeSweep) and not value.shuffle:
        return _range(key, override, value)
    values = tuple(dict.fromkeys(override.sweep_string_iterator()))
    if len(values) < 2:
        raise UserError(f"{_shown(override)} leaves nothing to choose from; give it two values or more")
    if weight and any(re.fullmatch(r"[+-]?0*\.?0*(e.*)?", text) for text in values):
        raise UserError(
            f"{_shown(override)}: a source of weight 0 leaves the validation pairs too, so that the losses of"
            f" trials would not compare; begin at {LEAST_WEIGHT}"
        )
    return Choice(key, values)


def _check_key(name: str, weight: bool) -> None:
    if name.startswith("hydra") or any(fnmatch.fnmatchcase(name, pattern) for pattern in ELSEWHERE):
        raise UserError(f"{name} is nothing to search over: it does not change what a student learns")
    if not weight and any(fnmatch.fnmatchcase(name, pattern) for pattern in UNLIKE):
        raise UserError(
            f"{name} changes the pairs that are validated on, so that the losses of trials would not compare;"
            " sweep it without hydra/sweeper=optuna"
        )


def _interval(key: str, override: Override, sweep: IntervalSweep, weight: bool) -> Interval:
    low, high, log = sweep.start, sweep.end, "log" in sweep.tags
    assert low is not None and high is not None
    if not low < high:
        raise UserError(f"{_shown(override)} is empty: {low} must lie below {high}")
    if log and low <= 0:
        raise UserError(f"{_shown(override)} has no logarithm at {low}; begin above 0")
    if weight and low == 0:
        low = LEAST_WEIGHT
    return Interval(key, low, high, log, 1 if isinstance(low, int) and isinstance(high, int) else None)


def _range(key: str, override: Override, sweep: RangeSweep) -> Interval:
    """A range ends before its stop, as in Python."""
    if "log" in sweep.tags:
        raise UserError(
            f"{_shown(override)}: a range has steps; use tag(log,interval(...)), or int(...) in it"
        )
    values = list(sweep.range())
    if len(values) < 2 or sweep.step <= 0:
        raise UserError(f"{_shown(override)} leaves nothing to choose from; it ends before its stop")
    low, high = float(values[0]), float(values[-1])
    if all(isinstance(number, int) for number in (sweep.start, sweep.step)):
        return Interval(key, int(low), int(high), step=int(sweep.step))
    return Interval(key, low, high, step=float(sweep.step))


def _shown(override: Override) -> str:
    return (override.input_line or override.get_key_element()).lstrip("+")
