"""Runs that differ by their seed alone are one row; anything else that differs makes two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from lamini.comparison.herd import Kind, Member
from lamini.comparison.members import member_of
from lamini.comparison.replicates import Row, Spread, rows, spread
from tests.comparison.herds import run


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    """t5-nano with three seeds, as a sweep leaves them."""
    place = tmp_path_factory.mktemp("herd")
    found = []
    for seed in (1, 2, 3):
        run(place / f"t5-nano,seed={seed}", "model=t5-nano", f"seed={seed}")
        member, problems = member_of(place / f"t5-nano,seed={seed}")
        assert member is not None
        assert not problems
        found.append(member)
    return found


def test_seeds_are_one_row(seeds: list[Member]) -> None:
    (row,) = rows(seeds)
    assert (row.key, [member.seed for member in row.members]) == ("t5-nano", [1, 2, 3])


def test_other_data_or_another_key_is_another_row(seeds: list[Member]) -> None:
    record = {**seeds[1].record, "data": {"fingerprint": "other"}}
    config = {**seeds[2].config, "batch_size": 7}
    found = rows([seeds[0], replace(seeds[1], record=record), replace(seeds[2], config=config)])
    assert [len(row.members) for row in found] == [1, 1, 1]
    assert [row.key for row in found] == ["t5-nano,seed=1", "t5-nano,seed=2", "t5-nano,seed=3"]


def test_the_same_seed_twice_is_no_replicate(seeds: list[Member]) -> None:
    again = replace(seeds[0], key="other/t5-nano,seed=1")
    found = rows([seeds[0], seeds[1], again])
    assert [[member.key for member in row.members] for row in found] == [
        ["t5-nano,seed=1", "t5-nano,seed=2"], ["other/t5-nano,seed=1"],
    ]  # fmt: skip


def test_models_and_torn_runs_stand_alone(seeds: list[Member]) -> None:
    model = Member("a", Kind.model, Path("a"), {})
    torn = replace(seeds[1], config={})
    assert [row.key for row in rows([model, seeds[0], torn])] == ["a", "t5-nano,seed=1", "t5-nano,seed=2"]


def test_the_interval_of_the_docstring() -> None:
    row = Row("x", [Member(str(n), Kind.model, None, {"n": n}) for n in (1, 2, 3)])
    found = spread(row, lambda member: member.record["n"])
    assert found is not None
    assert (found.mean, found.n) == (2.0, 3)
    assert (found.low, found.high) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)
    assert spread(row, lambda member: None) is None
    assert spread(Row("y", row.members[:1]), lambda member: 5.0) == Spread(5.0, None, None, 1)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9))
def test_the_interval_is_scipys(values: list[float]) -> None:
    if np.ptp(values) < 1e-6:
        return
    row = Row("x", [Member(str(n), Kind.model, None, {"n": value}) for n, value in enumerate(values)])
    found = spread(row, lambda member: member.record["n"])
    reference = ttest_1samp(values, 0).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), rel=1e-6, abs=1e-6)
