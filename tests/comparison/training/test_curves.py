"""Curves of metrics.jsonl: means that keep the whole, and files that crashes and divergence left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.comparison.training import curves
from lamini.comparison.training.curves import LOSS, VALIDATION, thinned
from tests.comparison.made import metrics


def test_the_worked_example() -> None:
    step_P, value_P = thinned(np.arange(1, 7), np.array([6, 5, 4, 3, 2, 1]), 3)
    assert step_P.tolist() == [1.5, 3.5, 5.5] and value_P.tolist() == [5.5, 3.5, 1.5]


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_points_are_few_in_order_and_inside(records: int, points: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    step_N, value_N = np.sort(rng.choice(10_000, records, replace=False)), rng.normal(size=records)
    step_P, value_P = thinned(step_N, value_N, points)
    assert 1 <= len(step_P) == len(value_P) <= points
    assert (np.diff(step_P) > 0).all()
    assert step_N[0] <= step_P[0] and step_P[-1] <= step_N[-1]
    assert value_N.min() - 1e-9 <= value_P.min() and value_P.max() <= value_N.max() + 1e-9


def test_equal_stretches_keep_the_mean() -> None:
    rng = np.random.default_rng(3)
    value_N = rng.normal(size=1000)
    _, value_P = thinned(np.arange(10, 10_010, 10), value_N, 100)
    assert len(value_P) == 100 and np.isclose(value_P.mean(), value_N.mean())


def test_both_curves_of_a_file(tmp_path: Path) -> None:
    metrics(tmp_path, [5.0, 4.0, 3.0], [2.5])
    found = curves.read(tmp_path / "metrics.jsonl")
    assert found[LOSS].step_P.tolist() == [10, 20, 30] and found[LOSS].value_P.tolist() == [5, 4, 3]
    assert found[VALIDATION].step_P.tolist() == [20] and found[VALIDATION].value_P.tolist() == [2.5]


def test_no_file_and_an_empty_one(tmp_path: Path) -> None:
    assert curves.read(tmp_path / "metrics.jsonl") == {}
    (tmp_path / "metrics.jsonl").write_text("")
    assert curves.read(tmp_path / "metrics.jsonl") == {}


def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    metrics(tmp_path, [5.0, 4.0, 3.0])
    file.write_bytes(file.read_bytes()[:-9])
    assert curves.read(file)[LOSS].step_P.tolist() == [10, 20]


def test_a_run_that_diverged(tmp_path: Path) -> None:
    metrics(tmp_path, [5.0, float("nan"), float("inf")])
    found = curves.read(tmp_path / "metrics.jsonl")[LOSS].value_P
    assert found[0] == 5 and np.isnan(found[1]) and np.isinf(found[2])


def test_what_follows_a_torn_line_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"step": n, LOSS: 1.0}) for n in (1, 2, 3)]
    file.write_text("\n".join([lines[0], lines[1][:7], lines[2], ""]))
    assert curves.read(file)[LOSS].step_P.tolist() == [1]


def test_the_two_readers_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    metrics(tmp_path, rng.normal(size=700).tolist(), rng.normal(size=30).tolist())
    file = tmp_path / "metrics.jsonl"
    quick = curves.read(file)
    file.write_bytes(file.read_bytes() + b'{"step": 7000, "train/other": NaN}\n')  # Arrow refuses all of it
    slow = curves.read(file)
    for name in (LOSS, VALIDATION):
        assert np.array_equal(quick[name].step_P, slow[name].step_P)
        assert np.array_equal(quick[name].value_P, slow[name].value_P)
