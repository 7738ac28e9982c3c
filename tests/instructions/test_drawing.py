"""Draws: from one group, distinct, the same everywhere, each prompt as likely as another."""

from __future__ import annotations

from collections import Counter
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.data.records import instruction_hash
from lamini.errors import UserError
from lamini.instructions.drawing import Examples, distinct, generator, topics
from lamini.instructions.existing import SCHEMA, Prompts
from lamini.instructions.topics import TopicList


def prompts(*pairs: tuple[str, str]) -> Prompts:
    """Prompts from (text, group)."""
    rows = sorted(pairs, key=lambda pair: instruction_hash(pair[0]))
    columns = {"hash": [instruction_hash(text) for text, _ in rows], "text": [text for text, _ in rows]}
    return Prompts("mine", pa.table({**columns, "group": [group for _, group in rows]}, schema=SCHEMA), [])


def test_the_worked_example() -> None:
    assert distinct(Random("1"), 4, 2) == [1, 0]


@given(st.integers(1, 20), st.data(), st.text())
def test_distinct(size: int, data: st.DataObject, seed: str) -> None:
    count = data.draw(st.integers(0, size))
    drawn = distinct(Random(seed), size, count)
    assert len(set(drawn)) == len(drawn) == count and all(0 <= number < size for number in drawn)


def test_a_request_is_drawn_the_same_in_every_version() -> None:
    """What was paid for under these numbers must be asked for again under them."""
    pool = Examples(prompts(*((f"Task {number}", "") for number in range(20))), 3, "key")
    drawn = pool.draw(generator(42, "self_instruct_without_topic", 7))
    assert drawn == ("Task 17", "Task 9", "Task 14")


def test_examples_are_different_and_of_one_group_and_small_groups_take_no_part() -> None:
    pairs = [(f"{group}{number}", group) for group in "ab" for number in range(5)]
    pool = Examples(prompts(*pairs, ("c0", "c"), ("a0", "a"), ("a0", "c")), 3, "key")
    assert pool.left_out == 2
    for number in range(300):
        drawn = pool.draw(generator(1, "x", number))
        assert len(set(drawn)) == 3 and len({text[0] for text in drawn}) == 1 and drawn[0][0] in "ab"


def test_a_group_s_share_of_the_requests_is_its_share_of_the_prompts() -> None:
    pairs = [(f"a{number}", "a") for number in range(30)] + [(f"b{number}", "b") for number in range(10)]
    pool = Examples(prompts(*pairs), 3, "key")
    drawn = [pool.draw(generator(1, "x", number)) for number in range(4000)]
    share = sum(texts[0][0] == "a" for texts in drawn) / len(drawn)
    assert abs(share - 0.75) < 4 * (0.75 * 0.25 / 4000) ** 0.5
    for place in range(3):
        counts = Counter(texts[place] for texts in drawn)
        assert len(counts) == 40 and max(counts.values()) < 160  # 100 each, standard deviation 10


def test_too_few_prompts_for_one_request() -> None:
    with pytest.raises(
        UserError, match="sources.a.examples=3, but no group of the collection mine .* largest has 2"
    ):
        Examples(
            prompts(("a", "x"), ("b", "x"), ("b", "x"), ("c", "y")), 3, "instructions.sources.a.examples"
        )


def test_topics_are_different() -> None:
    names = TopicList(pa.array(["Tea", "Owls", "Opera"], pa.large_string()), 3, [])
    assert {tuple(sorted(topics(names, 3, Random(seed)))) for seed in range(20)} == {("Opera", "Owls", "Tea")}
    assert len({topics(names, 2, Random(seed)) for seed in range(200)}) == 6
