"""Table 2 over sets: what goes over all rows, what over a sample, and what the order does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamini.analysis.diversity import diversity, measured
from lamini.config import Diversity
from tests.analysis import toys

OPTIONS = Diversity(units="words", order="file", window=2, threshold=0.72, sample=None)


def mattr(found: dict[str, dict[str, dict[str, Any]]], name: str) -> float:
    return float(found[name]["instruction"]["mattr"])


def test_windows_slide_over_the_rows_of_a_set(tmp_path: Path) -> None:
    """a a | a b | b: windows aa aa ab bb, 5 types in 8 places."""
    found = diversity(toys.rows(tmp_path, a=[("a a", "r"), ("a b", "r"), ("b", "r")]), OPTIONS, 0, 1)
    assert list(found) == ["a"]
    assert mattr(found, "a") == 5 / 8
    assert found["a"]["instruction"]["units"] == found["a"]["instruction"]["sample"] == 5


def test_the_order_counts_where_it_is_asked_for(tmp_path: Path) -> None:
    pairs = [(word, f"{n}") for word in "abcdefgh" for n in range(40)]
    sets = toys.rows(tmp_path / "1", a=pairs)
    reverse = toys.rows(tmp_path / "2", a=[*pairs[1::2], *pairs[::2]])
    shuffled = replace(OPTIONS, order="shuffled", window=8)
    in_order = replace(OPTIONS, window=8)
    assert mattr(diversity(sets, in_order, 0, 1), "a") < 0.3
    assert mattr(diversity(sets, shuffled, 0, 1), "a") == pytest.approx(1 - (7 / 8) ** 8, abs=0.05)
    assert diversity(sets, shuffled, 0, 1) == diversity(reverse, shuffled, 0, 1)


def test_the_mixture_is_mixed(tmp_path: Path) -> None:
    sets = toys.rows(tmp_path, a=[("x", "r")] * 200, b=[("y", "r")] * 200)
    found = diversity(sets, OPTIONS, 0, 1)
    assert mattr(found, "a") == mattr(found, "b") == 0.5
    assert mattr(found, "all") == pytest.approx(0.75, abs=0.06)
    assert diversity(sets, OPTIONS, 0, 2) == found


def test_a_sample_has_exactly_as_many_units(tmp_path: Path) -> None:
    pairs = [(f"w{n} v{n} u{n}", "r") for n in range(100)]
    (rows,) = toys.rows(tmp_path, a=pairs)
    own = measured([rows], "instruction", replace(OPTIONS, sample=50), 0)
    assert (own["units"], own["sample"]) == (300, 50)
    assert own["distinct_2"] == 1.0
    assert own != measured([rows], "instruction", replace(OPTIONS, sample=50), 1)


def test_texts_without_a_unit_have_no_values(tmp_path: Path) -> None:
    (rows,) = toys.rows(tmp_path, a=[("?", "!")])
    own = measured([rows], "instruction", OPTIONS, 0)
    assert (own["units"], own["sample"]) == (0, 0)
    assert [own[key] for key in ("mattr", "mtld", "distinct_1", "distinct_2")] == [None] * 4
    assert own["compression"] is not None
