"""A study in its file: continued, it chooses what it would have chosen in one go."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from optuna.trial import TrialState

from lamini.compose import CONF
from lamini.errors import UserError
from lamini.search.options import Search, search_of
from lamini.search.space import Choice, Interval, Question
from lamini.search.study import Study, hopeless

TRIALS, VALIDATIONS = 8, 3
SPACE = (
    Interval("++optimizer.lr", 1e-5, 1e-1, log=True),
    Choice("batch_size", ("8", "16")),
    Interval("layers", 1, 9, step=2),
)
SEARCHES = [("tpe", "median"), ("random", "none")]


def search(storage: Path, sampler: str = "tpe", pruner: str = "median", **more: Any) -> Search:
    node = OmegaConf.load(CONF / "hydra" / "sweeper" / "optuna.yaml")
    own = {
        "storage": str(storage), "metric": "validation_loss", "n_trials": TRIALS,
        "sampler": {"name": sampler, "startup_trials": 3},
        "pruner": {"name": pruner, "startup_trials": 2, "warmup": 1},
    }  # fmt: skip
    return search_of(OmegaConf.merge(node, own, more))  # type: ignore[arg-type]


def loss(params: dict[str, Any], validation: int) -> float:
    """Lower with every validation, and lowest near lr 0.003 with layers 5."""
    lr, layers = params["optimizer.lr"], params["layers"]
    return abs(lr - 0.003) * 10 + abs(layers - 5) + (params["batch_size"] == "8") + 3 / validation


class Crash(Exception):
    """The driver dies."""


def play(chosen: Search, crash: int | None = None) -> None:
    """A line of the study: unfinished trials first, then new ones. Dies before its action number `crash`."""
    actions = itertools.count()

    def act() -> None:
        if next(actions) == crash:
            raise Crash

    study = Study(Question(chosen, SPACE))
    while True:
        waiting = study.unfinished()
        if not waiting and len(study.trials()) == chosen.n_trials:
            return
        act()
        trial = waiting[0] if waiting else study.new()
        for validation in range(1, VALIDATIONS + 1):
            act()
            if hopeless(chosen, trial.number, validation, loss(trial.params, validation)):
                act()
                study.pruned(trial)
                break
        else:
            act()
            study.done(trial, loss(trial.params, VALIDATIONS))


def outcome(chosen: Search) -> list[tuple[Any, ...]]:
    trials = Study(Question(chosen, SPACE)).trials()
    return [(t.number, t.state, t.params, t.value, t.intermediate_values) for t in trials]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """What comes out where nobody dies."""
    found = {}
    for names in SEARCHES:
        chosen = search(tmp_path_factory.mktemp("straight") / "study", *names)
        play(chosen)
        found[names] = outcome(chosen)
    return found


def test_trials_are_different_and_some_are_pruned(straight: dict[Any, list[tuple[Any, ...]]]) -> None:
    for (_, pruner), trials in straight.items():
        assert len(trials) == TRIALS and len({str(trial[2]) for trial in trials}) == TRIALS
        states = {trial[1] for trial in trials}
        assert states == {TrialState.COMPLETE} | ({TrialState.PRUNED} if pruner != "none" else set())


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(crashes=st.lists(st.integers(0, 20), max_size=4), names=st.sampled_from(SEARCHES))
def test_a_study_that_was_killed_and_continued_is_the_same(
    straight: dict[Any, list[tuple[Any, ...]]],
    tmp_path_factory: pytest.TempPathFactory,
    crashes: list[int],
    names: tuple[str, str],
) -> None:
    chosen = search(tmp_path_factory.mktemp("killed") / "study", *names)
    for crash in crashes:
        try:
            play(chosen, crash)
        except Crash:
            continue
    play(chosen)
    assert outcome(chosen) == straight[names]


def test_a_longer_study_begins_as_the_shorter_one(
    straight: dict[Any, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    chosen = search(tmp_path / "study", n_trials=4)
    play(chosen)
    chosen.n_trials = TRIALS
    play(chosen)
    assert outcome(chosen) == straight["tpe", "median"]


def test_another_seed_chooses_otherwise(straight: dict[Any, list[tuple[Any, ...]]], tmp_path: Path) -> None:
    first = Study(Question(search(tmp_path / "study", seed=1), SPACE)).new()
    assert first.params != straight["tpe", "median"][0][2]


def test_the_best_come_first_then_pruned_then_failed(tmp_path: Path) -> None:
    study = Study(Question(search(tmp_path / "study"), SPACE))
    trials = [study.new() for _ in range(5)]
    study.done(trials[0], 3.0)
    study.failed(trials[1])
    hopeless(study.search, 2, 1, 9.0)
    study.pruned(trials[2])
    study.done(trials[3], 2.0)
    assert [trial.number for trial in study.ranked()] == [3, 0, 2, 1, 4]


def test_values_are_short_and_stay_inside(tmp_path: Path) -> None:
    dimension = Interval("++optimizer.lr", 0.00123456, 0.00123457)
    study = Study(Question(search(tmp_path / "study"), (dimension,)))
    assert dimension.low <= study.new().params["optimizer.lr"] <= dimension.high
    wide = Study(Question(search(tmp_path / "wide"), SPACE))
    trial = wide.new()
    assert wide.words(trial) == [
        f"++optimizer.lr={trial.params['optimizer.lr']!r}", f"batch_size={trial.params['batch_size']}",
        f"layers={trial.params['layers']}",
    ]  # fmt: skip
    assert len(repr(trial.params["optimizer.lr"])) <= 9


def test_a_half_written_last_line_is_cut_off(tmp_path: Path) -> None:
    chosen = search(tmp_path / "study")
    Study(Question(chosen, SPACE)).new()
    whole = (tmp_path / "study").read_bytes()
    (tmp_path / "study").write_bytes(whole + b'{"op_code": 5, "tri')
    study = Study(Question(chosen, SPACE))
    study.new()
    assert len(study.trials()) == 2


def test_a_file_that_is_no_study_is_told(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("no study\n")
    with pytest.raises(UserError, match="storage=.*study holds no study that can be read"):
        Study(Question(search(tmp_path / "study"), SPACE))
    with pytest.raises(UserError, match="storage=/proc/study cannot be written"):
        Study(Question(search(Path("/proc/study")), SPACE))
