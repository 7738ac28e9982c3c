"""Unique instructions and near-duplicates, in each set and in all."""

from __future__ import annotations

from pathlib import Path

from lamini.analysis import repeats
from lamini.config import NearDuplicates
from tests.analysis import toys

LONG = "Write a short story about a brave knight who finds a sleeping dragon in the dark forest near the mill"
OPTIONS = NearDuplicates(threshold=0.7, ngram=3, permutations=128)


def test_exact_repeats_are_counted_in_each_set_and_in_all(tmp_path: Path) -> None:
    sets = toys.rows(tmp_path, a=[("x", "1"), (" x ", "2"), ("y", "3")], b=[("x", "4"), ("z", "5")])
    found, key_N = repeats.exact(sets, 1)
    assert {name: (own["instructions"], own["unique"]) for name, own in found.items()} == {
        "a": (3, 2), "b": (2, 2), "all": (5, 3),
    }  # fmt: skip
    assert found["all"]["most_frequent"] == {"count": 3, "text": "x"}
    assert found["b"]["most_frequent"] == {"count": 1, "text": "x"}
    assert len(key_N) == 5
    assert list(repeats.exact(sets[:1], 1)[0]) == ["a"]


def test_near_duplicates_are_of_the_same_set_or_of_any(tmp_path: Path) -> None:
    sets = toys.rows(
        tmp_path / "rows",
        a=[(LONG, "1"), (f"{LONG} again", "2"), (LONG, "3"), ("Name three colours", "4")],
        b=[(f"{LONG} once more", "5"), ("Add two and two", "6")],
    )
    _, key_N = repeats.exact(sets, 1)
    found = repeats.near(sets, key_N, OPTIONS, tmp_path)
    assert found == {"a": 1, "b": 0, "all": 2}  # the exact repeat is no near-duplicate
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
