"""Units of diversity."""

from __future__ import annotations

import pytest

from lamini.analysis.words import Vocabulary, numbered, split


@pytest.mark.parametrize(
    ("text", "marks", "words"),
    [
        ("Don't sort: b a", ["Don", "'", "t", "sort", ":", "b", "a"], ["don't", "sort", "b", "a"]),
        ("x_1 + 2.5", ["x_1", "+", "2", ".", "5"], ["x", "1", "2", "5"]),
        ("Straße, ÉTÉ’s", ["Straße", ",", "ÉTÉ", "’", "s"], ["straße", "été’s"]),
        (" \n", [], []),
    ],
)
def test_units(text: str, marks: list[str], words: list[str]) -> None:
    assert split(text, "marks") == marks
    assert split(text, "words") == words


def test_numbers_go_by_first_appearance_over_all_batches() -> None:
    vocabulary = Vocabulary()
    unit_W, count_N = numbered(["b a", "a"], "marks", vocabulary)
    assert (unit_W.tolist(), count_N.tolist()) == ([0, 1, 1], [2, 1])
    assert numbered(["", "c b"], "marks", vocabulary)[0].tolist() == [2, 0]
