"""The kinds as a whole: how many, how phrased, how told apart."""

import itertools
import random

import pytest

from lamini.errors import UserError
from lamini.teacher.oracle import KINDS, Oracle, is_right
from lamini.teacher.oracle.kinds import SOURCES, instance_of
from lamini.teacher.oracle.matching import compile_phrasing, field_names
from lamini.teacher.oracle.vocabulary import GROUPS


def test_there_are_enough_kinds_and_phrasings() -> None:
    assert len(KINDS) >= 34
    assert sum(kind.unseen for kind in KINDS.values()) >= 4
    for kind in KINDS.values():
        assert len(kind.phrasings) >= 3
        assert len(kind.held_out_phrasings) >= 1
        assert len({*kind.phrasings, *kind.held_out_phrasings}) >= 4
        assert kind.weight > 0


def test_phrasings_of_a_kind_name_the_same_fields() -> None:
    for kind in KINDS.values():
        fields = set(kind.sample(random.Random(0)))
        for phrasing in (*kind.phrasings, *kind.held_out_phrasings):
            assert field_names(phrasing) == fields, (kind.name, phrasing)


def test_every_source_is_covered_and_kinds_overlap_between_them() -> None:
    of_source = {
        source: {kind.name for kind in KINDS.values() if source in kind.sources} for source in SOURCES
    }
    assert set().union(*(kind.sources for kind in KINDS.values())) == set(SOURCES)
    for source, names in of_source.items():
        trained = [name for name in names if not KINDS[name].unseen]
        assert len(trained) >= 10, source
        assert any(names & others for other, others in of_source.items() if other != source)
    pairs = list(itertools.combinations(SOURCES, 2))
    assert sum(bool(of_source[a] & of_source[b]) for a, b in pairs) >= len(pairs) / 2


def test_instructions_lead_back_to_their_kind_and_answer() -> None:
    oracle, rng = Oracle(), random.Random(7)
    for kind in KINDS.values():
        for phrasing in (*kind.phrasings, *kind.held_out_phrasings):
            for _ in range(25):
                fields = kind.sample(rng)
                instruction = phrasing.format_map(fields)
                assert oracle.kind_of(instruction) == kind.name, instruction
                assert oracle.answer(instruction) == kind.answer(fields), instruction
                assert is_right(kind.name, instruction, kind.answer(fields)), instruction


def test_text_is_plain_and_short() -> None:
    rng = random.Random(3)
    for kind in KINDS.values():
        for phrasing in (*kind.phrasings, *kind.held_out_phrasings):
            fields = kind.sample(rng)
            instruction, answer = phrasing.format_map(fields), kind.answer(fields)
            assert instruction.isascii() and answer.isascii()
            assert not set("\n\t{}<>^~`\\") & set(instruction + answer)
            assert len(instruction.split()) <= 30
            assert 1 <= len(answer.split()) <= 14


def test_groups_share_no_word() -> None:
    words = [word for group in GROUPS.values() for word in group]
    assert len(words) == len(set(words))


def test_compile_phrasing_turns_a_repeated_field_into_a_back_reference() -> None:
    pattern = compile_phrasing("Add {a} to {a}.")
    assert pattern.pattern == r"Add\ (?P<a>.+?)\ to\ (?P=a)\."
    assert pattern.fullmatch("Add 3 to 3.")
    assert not pattern.fullmatch("Add 3 to 4.")


def test_instance_of_sorts_the_fields() -> None:
    assert instance_of({"b": "2", "a": "1"}) == "a=1; b=2"


@pytest.mark.parametrize(
    "instruction",
    [
        "Who painted the Mona Lisa?",
        "",
        "Write the first word of:",
        "Which of these is a fruit: hammer, chair?",  # no fruit
        "Which of these is a fruit: apple, pear?",  # two fruits
        "Continue the sequence: 1, 2, 4",
        "How many apples are 3 hours?",
    ],
)
def test_what_no_kind_understands_is_refused(instruction: str) -> None:
    with pytest.raises(UserError, match="does not understand"):
        Oracle().answer(instruction)
    assert Oracle().kind_of(instruction) is None


def test_is_right_refuses_unknown_kinds_and_foreign_instructions() -> None:
    with pytest.raises(UserError, match="no kind 'poetry'"):
        is_right("poetry", "Write a poem.", "Roses")
    with pytest.raises(UserError, match="does not understand"):
        is_right("addition", "Take 17 away from 42.", "25")


def test_more_like_gives_fresh_instructions_of_the_same_kinds() -> None:
    oracle = Oracle()
    examples = ["What is 47 plus 38?", "Write the opposites of hot and small.", "Write a poem."]
    fresh = oracle.more_like(examples, 20, seed=1)
    assert len(set(fresh)) == 20
    assert not set(fresh) & set(examples)
    assert {oracle.kind_of(text) for text in fresh} == {"addition", "opposites"}
    assert fresh == oracle.more_like(examples, 20, seed=1)
    assert fresh != oracle.more_like(examples, 20, seed=2)


def test_more_like_falls_back_to_trained_kinds_and_says_when_it_runs_dry() -> None:
    oracle = Oracle()
    kinds = {oracle.kind_of(text) for text in oracle.more_like(["Write a poem."], 50, seed=0)}
    assert len(kinds) > 5
    assert not any(KINDS[str(name)].unseen for name in kinds)
    with pytest.raises(UserError, match="only"):
        oracle.more_like(["Multiply 7 by 12."], 1000, seed=0)
