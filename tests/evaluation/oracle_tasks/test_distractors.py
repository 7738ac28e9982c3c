"""Wrong choices are wrong, different, no beginnings of the right one, and what a copier would fall for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.evaluation.oracle_tasks.distractors import FIELDS, WRONG, wrong_answers
from lamini.teacher.oracle import KINDS, is_right
from lamini.teacher.oracle.checking import normalise
from lamini.teacher.oracle.matching import field_names

FEWER = {"sentiment": 1, "same_meaning": 1, "entailment": 2}  # they have two and three answers in all


def test_all_phrasings_of_a_kind_have_the_same_fields() -> None:
    for kind in KINDS.values():
        for phrasing in (*kind.phrasings, *kind.held_out_phrasings):
            assert field_names(phrasing) == FIELDS[kind.name], phrasing


@given(name=st.sampled_from(sorted(KINDS)), seed=st.integers(0, 10**6))
def test_every_kind_has_wrong_answers_that_are_wrong_and_different(name: str, seed: int) -> None:
    kind, rng = KINDS[name], random.Random(seed)
    fields = kind.sample(rng)
    instruction = rng.choice((*kind.phrasings, *kind.held_out_phrasings)).format_map(fields)
    wrong = wrong_answers(name, instruction, rng)
    assert len(wrong) == FEWER.get(name, WRONG)
    right = normalise(kind.answer(fields))
    said = [normalise(text) for text in wrong]
    assert len(set(said)) == len(said)
    for text, tidy in zip(wrong, said, strict=True):
        assert not is_right(name, instruction, text)
        assert text.strip() and not right.startswith(tidy) and not tidy.startswith(right)


def test_the_same_draw_gives_the_same_wrong_answers() -> None:
    instruction = "Emma hid the lamp. Paraphrase this, starting with: The lamp"
    one, other = (wrong_answers("passive", instruction, random.Random(5)) for _ in range(2))
    assert one == other
    assert one != wrong_answers("passive", instruction, random.Random(6))


def test_other_kinds_on_the_same_words_come_first() -> None:
    wrong = wrong_answers(
        "last_word", "Which word comes last here: spade tiger water plum?", random.Random(0)
    )
    words = {"spade", "tiger", "water", "4"}  # "4": the number of words has as many words as a word
    assert set(wrong) <= words
    instruction = "What is 65 plus 16?"
    for seed in range(5):
        found = wrong_answers("addition", instruction, random.Random(seed))
        assert set(found) & {"49", "1040", "65"}  # minus, times, the larger


def test_other_parts_of_the_text_come_before_words_from_elsewhere() -> None:
    told = "Rosa has the clock, Emma has the key and Anna has the knife. Who has the clock?"
    for seed in range(10):
        assert {"Emma", "Anna"} <= set(wrong_answers("who_has", told, random.Random(seed)))
    told = "Max went to the market. Leo went to the kitchen. Where is Leo?"
    assert "market" in wrong_answers("where_is", told, random.Random(0))


def test_an_instruction_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="passive does not understand 'Boil an egg.'"):
        wrong_answers("passive", "Boil an egg.", random.Random(0))
