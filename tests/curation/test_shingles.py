"""Words and their n-grams, beside a plain Python version."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.curation.shingles import shingles, words


def texts(*values: str) -> pa.Array:
    return pa.array(values, pa.large_string())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sum up: 3 + x!", ["sum", "up", "3", "+", "x"]),
        ("It's 3-4, not 3+4.", ["it", "s", "3", "-", "4", "not", "3", "+", "4"]),
        ("ÉCOLE\n\tcafé", ["école", "café"]),
        ("写短诗", ["写", "短", "诗"]),
        ("I 💚 C#", ["i", "💚", "c", "#"]),
        ("?!", [""]),
        ("", [""]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(texts(text)).to_pylist() == [found]


def test_the_worked_example() -> None:
    hash_S, offsets = shingles(texts("a b c d", "a b"), 3)
    assert offsets.tolist() == [0, 2, 3] and len(set(hash_S.tolist())) == 3
    again, places = shingles(texts("x", "A, b: c; d!", "a b", "b c d b c d"), 3)
    assert again[1:4].tolist() == hash_S.tolist()
    assert places.tolist() == [0, 1, 3, 4, 7]  # bcd counts once
    assert (hash_S < 2**48).all() and again[1] < again[2]


def test_texts_without_words_are_themselves() -> None:
    hash_S, offsets = shingles(texts("?", "!", "?", ""), 3)
    assert offsets.tolist() == [0, 1, 2, 3, 4]
    assert hash_S[0] == hash_S[2] and len(set(hash_S.tolist())) == 3


def test_no_texts() -> None:
    hash_S, offsets = shingles(texts(), 3)
    assert len(hash_S) == 0 and offsets.tolist() == [0]


WORDS = st.lists(st.sampled_from(["a", "b", "cc", "3", "+", "é"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.integers(1, 4))
def test_equal_shingles_are_equal_ngrams(rows: list[list[str]], ngram: int) -> None:
    """The texts have as many shingles, and share as many, as those of plain Python."""
    hash_S, offsets = shingles(texts(*map(" ".join, rows)), ngram)
    plain = [{tuple(row[i : i + ngram]) for i in range(max(len(row) - ngram + 1, 1))} for row in rows]
    found = [set(hash_S[a:b].tolist()) for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    assert np.diff(offsets).tolist() == list(map(len, plain)) == list(map(len, found))
    for one, same in zip(plain, found, strict=True):
        assert [len(one & other) for other in plain] == [len(same & other) for other in found]


def test_words_are_those_of_a_plain_regular_expression() -> None:
    text = "Given a list of 3 numbers, compute 2*x - 7 (e.g. 'x = 5') & print 40 %."
    plain = re.findall(r"[^\W_]+|[=&%*-]", text.lower())
    assert words(texts(text)).to_pylist() == [plain]
