"""The paper's selection: 252 instructions, 123 with at most two an app, 114 without the benchmarks' tasks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.evaluation.answers.instructions import Item, place_of, read
from lamini.evaluation.answers.selection import overlap, select
from tests.data.toys import shared_data
from tests.evaluation.answers import sets

DROPPED = {  # of the real 123: pinned, so that nobody changes the rule unseen
    1: "sentiment", 98: "summarisation", 159: "summarisation", 160: "summarisation",
    165: "text classification", 183: "text classification", 202: "summarisation", 213: "summarisation",
    225: "text classification",
}  # fmt: skip


def test_two_of_an_app_and_no_summary(tmp_path: Path) -> None:
    found = select(sets.items(tmp_path), "paper")
    assert [item.id for item in found.items] == ["t0", "t1", "t4"]
    assert found.apps == {"t2": "number 3 of Mail"}
    assert found.tasks == {"t3": "summarisation ('Summariz')"}


def test_no_rule_keeps_all(tmp_path: Path) -> None:
    items = sets.items(tmp_path)
    found = select(items, None)
    assert (found.items, found.apps, found.tasks) == (items, {}, {})


def test_unknown_rules_and_sets_without_apps(tmp_path: Path) -> None:
    items = sets.items(tmp_path)
    with pytest.raises(UserError, match="suite.selection=mine is unknown; there are paper and null"):
        select(items, "mine")
    with pytest.raises(UserError, match="goes by app and instruction x names none"):
        select([*items, Item("x", "a", "a", "")], "paper")


@pytest.mark.parametrize(
    ("instruction", "task"),
    [
        ("Does the premise entail the other sentence?", "natural language inference"),
        ("What is the sentiment of this review?", "sentiment"),
        ("TL;DR", "summarisation"),
        ("Classify the tweet.", "text classification"),
        ("Write a template for First-Person LinkedIn profile summary.", None),  # nothing is summarised
        ("Try to keep it positive and sweet.", None),
        ("Give a brief explanation of the requested part of the paper.", None),
    ],
)
def test_the_words_ask_for_a_task(instruction: str, task: str | None) -> None:
    found = overlap(instruction)
    assert found is None if task is None else str(found).startswith(task)


ITEMS = st.lists(
    st.builds(
        lambda app, text: Item("", text, text, app),
        st.sampled_from("abc"), st.sampled_from(["say hi", "Summarize it."]),
    )
)  # fmt: skip


@given(ITEMS)
def test_every_instruction_is_kept_or_has_its_reason(items: list[Item]) -> None:
    named = [Item(str(n), item.text, item.instruction, item.app) for n, item in enumerate(items)]
    found = select(named, "paper")
    kept = [item.id for item in found.items]
    assert sorted([*kept, *found.apps, *found.tasks]) == sorted(item.id for item in named)
    assert kept == sorted(kept, key=int)
    assert max(Counter(item.app for item in found.items).values(), default=0) <= 2


def test_the_real_set_gives_the_papers_numbers() -> None:
    items = read(place_of(None, str(shared_data())), sets.TEMPLATE)
    found = select(items, "paper")
    assert len(items) - len(found.apps) == 123  # as the paper's first step
    assert len(found.items) == 114
    assert {id: why.split(" (")[0] for id, why in found.tasks.items()} == {
        f"user_oriented_task_{number}": task for number, task in DROPPED.items()
    }
