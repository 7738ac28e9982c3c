"""What teachers really write: the items a person would take from it, and counts for the rest."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.instructions.lists import BULLET, NUMBER, PREFIX
from lamini.instructions.parsing import ESCAPED, TAG, WRAPPER, parse
from tests.instructions.messy import CUT, MESSY, SHOWN


@pytest.mark.parametrize("name", MESSY)
def test_messy(name: str) -> None:
    text, items, discarded = MESSY[name]
    parsed = parse(text, SHOWN)
    assert list(parsed.items) == items
    assert {reason: count for reason, count in parsed.discarded.items() if count} == discarded


@pytest.mark.parametrize("name", CUT)
def test_the_last_item_of_a_cut_answer(name: str) -> None:
    text, items, discarded = CUT[name]
    parsed = parse(text, SHOWN, cut=True)
    assert list(parsed.items) == items
    assert {reason: count for reason, count in parsed.discarded.items() if count} == discarded


def test_half_a_closing_tag_of_an_answer_that_stopped_by_itself() -> None:
    assert parse("<example>Sing</example>\n<example>Dance</exam").items == ("Sing", "Dance")


def test_a_label_that_the_examples_have_too_belongs_to_the_kind() -> None:
    text = "<example>Task: Sing</example>"
    assert parse(text, ["Task: Run"]).items == ("Task: Sing",)
    assert parse(text, ["Run"]).items == ("Sing",)


def test_the_worked_example() -> None:
    text = (
        "Sure! Here are 3 tasks:\n1. <example>Sing</example>\n2. <EXAMPLE 2>Name a tree\n"
        "<example>Sort: 3 1 2</example>\n<example>Write about"
    )
    parsed = parse(text, ["Sort: 3 1 2"], cut=True)
    assert parsed.items == ("Sing", "Name a tree")
    assert parsed.discarded == {"outside": 1, "echo": 1, "cut": 1}


def _plain(text: str) -> bool:
    marked = (TAG, WRAPPER, ESCAPED)
    labelled = (NUMBER, BULLET, PREFIX)
    return (
        any(character.isalnum() for character in text)
        and not any(mark.search(text) for mark in marked)
        and not any(label.match(text) for label in labelled)
        and not (text.count("```") % 2 and text.endswith("```"))
        and not text.endswith("<")
    )


ITEM = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\r"),
        st.sampled_from("<>/\n &;`1.-*example"),
    ),
    min_size=1,
).map(str.strip)


@given(
    st.lists(ITEM.filter(_plain), min_size=1, max_size=8),
    st.sampled_from(["", "\n", "\n\n", " "]),
    st.booleans(),
)
def test_a_well_formed_list_comes_back_exactly(items: list[str], between: str, cut: bool) -> None:
    text = between.join(f"<example>{item}</example>" for item in items)
    parsed = parse(text, cut=cut)
    assert list(parsed.items) == items
    assert not parsed.discarded.total()


@given(
    st.lists(
        st.sampled_from(["<example>", "</example>", "Sing", "\n", "1. ", "- ", " and ", "<", "```", "&lt;"])
    )
)
def test_any_mixture_of_tags_is_read(parts: list[str]) -> None:
    for cut in (False, True):
        items = parse("".join(parts), cut=cut).items
        assert all(item.strip() and not TAG.search(item) for item in items)


@pytest.mark.parametrize(
    "piece",
    ["\n", " ", "*", "<", "<example>", "</example", "1. ", "- \n", "< ", "example ", "&lt;", "a\n\n", "`",
     "<think>", "\n# ", "_ "],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "<example>Sing</example>", "<"])
def test_a_teacher_that_repeats_itself_costs_no_time(piece: str, before: str) -> None:
    start = time.perf_counter()
    parse(before + piece * 20_000, SHOWN, cut=True)
    assert time.perf_counter() - start < 2
