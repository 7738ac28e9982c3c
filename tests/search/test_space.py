"""Hydra's words for what may be chosen, and the corners that are checked before a search begins."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from lamini.errors import UserError
from lamini.search.space import Choice, Dimension, Interval, corners, space_of


def space(*words: str) -> tuple[list[Dimension], list[str]]:
    return space_of(OverridesParser.create().parse_overrides(list(words)))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("optimizer.lr=tag(log,interval(1e-5,1e-2))", Interval("optimizer.lr", 1e-5, 1e-2, log=True)),
        ("optimizer.weight_decay=interval(0,1)", Interval("optimizer.weight_decay", 0.0, 1.0)),
        ("batch_size=int(interval(4,16))", Interval("batch_size", 4, 16, step=1)),
        ("batch_size=tag(log,int(interval(4,64)))", Interval("batch_size", 4, 64, log=True, step=1)),
        ("batch_size=range(8,33,8)", Interval("batch_size", 8, 32, step=8)),
        ("scheduler.warmup_ratio=range(0.0,0.3,0.1)", Interval("scheduler.warmup_ratio", 0.0, 0.2, step=0.1)),
        ("batch_size=choice(8,16)", Choice("batch_size", ("8", "16"))),
        ("scheduler=linear,cosine", Choice("scheduler", ("linear", "cosine"))),
        ("data.sources.flan.weight=interval(0,2)", Interval("data.sources.flan.weight", 0.001, 2.0)),
    ],
)
def test_hydras_words(word: str, expected: Dimension) -> None:
    assert space(word) == ([expected], [])


def test_other_words_stay_and_the_later_of_two_counts() -> None:
    dimensions, fixed = space(
        "model=t5-nano", "batch_size=4,8", "++optimizer.lr=1,2", "batch_size=2", "seed=3"
    )
    assert dimensions == [Choice("++optimizer.lr", ("1", "2"))]
    assert fixed == ["model=t5-nano", "batch_size=2", "seed=3"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seed=1", "nothing to choose from; give a key several values"),
        ("a=interval(2,1)", r"a=interval\(2,1\) is empty: 2.0 must lie below 1.0"),
        ("a=interval(1,1)", "is empty"),
        ("a=tag(log,interval(0,1))", "has no logarithm at 0.0; begin above 0"),
        ("a=tag(log,range(1,9))", "a range has steps"),
        ("a=range(1,2)", "leaves nothing to choose from"),
        ("a=choice(1,1)", "give it two values or more"),
        ("data.pairs=100,200", "data.pairs changes the pairs that are validated on"),
        ("data=oracle,alpaca", "data changes the pairs"),
        ("validation.share=interval(0.1,0.2)", "validation.share changes the pairs"),
        ("data.sources.flan.weight=0,1", "a source of weight 0 leaves the validation pairs too"),
        ("name=a,b", "name is nothing to search over"),
        ("hydra.sweeper.seed=1,2", "nothing to search over"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(word: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        space(word)


def test_corners_are_all_pairs_of_ends() -> None:
    dimensions, _ = space("a=interval(1,9)", "b=x,y")
    assert corners(dimensions) == [["a=1.0", "b=x"], ["a=1.0", "b=y"], ["a=9.0", "b=x"], ["a=9.0", "b=y"]]


def test_of_many_ends_each_is_there_once() -> None:
    dimensions, _ = space(*(f"{key}=1,2,3" for key in "abcd"), "e=interval(0,1)")
    found = corners(dimensions)
    assert len(found) == 3
    for number, ends in enumerate([("1", "2", "3")] * 4 + [("0.0", "1.0")]):
        assert {corner[number].partition("=")[2] for corner in found} == set(ends)
