"""Measures of diversity: worked examples, brute force, and lexicalrichness as an independent one."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.analysis.lexical import compression, distinct, mattr, mtld, previous

UNITS = st.lists(st.integers(0, 8), min_size=1, max_size=80)


def ids(*units: int) -> np.ndarray:
    return np.array(units, np.int32)


def test_worked_examples() -> None:
    assert previous(ids(5, 7, 5, 5)).tolist() == [-1, -1, 0, 2]
    assert mattr([ids(0, 1, 0, 0, 2)], 3) == pytest.approx(2 / 3)
    assert mtld(ids(0, 0, 1, 2), 0.72) == pytest.approx((4 + 4 / (0.25 / 0.28)) / 2)
    assert mtld(ids(0, 0, 1, 2), 0.72) == pytest.approx(4.24)
    assert distinct(ids(0, 1, 0, 1, 1, 0), ids(0, 0, 0, 0, 1, 1), 2) == 2 / 4
    assert distinct(ids(0, 1, 0, 1, 1, 0), ids(0, 0, 0, 0, 1, 1), 1) == 2 / 6


def test_what_is_too_short_has_no_value() -> None:
    assert mattr([ids(0, 1)], 3) is None
    assert mattr([], 3) is None
    assert mtld(ids(), 0.72) is None
    assert distinct(ids(0, 1), ids(0, 1), 2) is None
    assert distinct(ids(0), ids(0), 2) is None
    assert compression([]) is None


@given(UNITS, st.integers(1, 9), st.lists(st.integers(0, 80), max_size=4))
def test_mattr_is_that_of_all_windows_wherever_the_stream_is_cut(
    units: list[int], window: int, cuts: list[int]
) -> None:
    windows = [units[start : start + window] for start in range(len(units) - window + 1)]
    found = mattr(np.split(ids(*units), sorted(min(cut, len(units)) for cut in cuts)), window)
    if not windows:
        assert found is None
    else:
        expected = sum(len(set(each)) for each in windows) / (window * len(windows))
        assert found == pytest.approx(expected)


@given(st.lists(UNITS, min_size=1, max_size=5), st.integers(1, 3))
def test_distinct_counts_the_ngrams_of_each_text(texts: list[list[int]], n: int) -> None:
    grams = [tuple(text[at : at + n]) for text in texts for at in range(len(text) - n + 1)]
    unit_W = ids(*(unit for text in texts for unit in text))
    text_W = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    found = distinct(unit_W, text_W, n)
    assert found == (pytest.approx(len(set(grams)) / len(grams)) if grams else None)


@pytest.fixture(scope="module")
def oracle() -> Any:
    return pytest.importorskip("lexicalrichness").LexicalRichness


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=10, max_size=300), st.sampled_from([0.5, 0.66, 0.72, 0.75]))
def test_lexicalrichness_finds_the_same(oracle: Any, units: list[int], threshold: float) -> None:
    text = oracle([str(unit) for unit in units], preprocessor=None, tokenizer=None)
    assert mtld(ids(*units), threshold) == pytest.approx(text.mtld(threshold), rel=1e-12)
    assert mattr([ids(*units)], 10) == pytest.approx(text.mattr(10), rel=1e-12)
    assert distinct(ids(*units), np.zeros(len(units), np.int64), 1) == pytest.approx(text.ttr, rel=1e-12)


def test_a_text_without_repeats_counts_as_one_factor() -> None:
    assert mtld(ids(*range(40)), 0.72) == 40


def test_compression_is_that_of_zlib_and_sees_repetition() -> None:
    texts = ["Name a colour.", "Name a fruit.", "ä"]
    content = "Name a colour.\nName a fruit.\nä\n".encode()
    assert compression(texts) == len(content) / len(zlib.compress(content, 6))
    varied, same = [f"{n * 7919 % 1000} apples" for n in range(200)], ["7 apples"] * 200
    assert (compression(same) or 0) > 3 * (compression(varied) or 9)
