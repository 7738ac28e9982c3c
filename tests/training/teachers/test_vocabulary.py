"""Token for token: where two vocabularies part, and what to do then."""

from __future__ import annotations

import pytest

from lamini.training.teachers.vocabulary import first_difference, mismatch, relatives, way_out
from tests.students import tiny
from tests.students.configs import config_of

OURS = {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ({"a": 0, "b": 1}, None),
        ({"b": 1, "a": 0, "<pad>": 2}, None),  # cut off like padding
        ({"a": 0}, (1, "b", "nothing")),
        ({"b": 0, "a": 1}, (0, "a", "b")),
        ({"a": 0, "c": 1, "b": 2}, (1, "b", "c")),
    ],
)
def test_worked_examples(theirs: dict[str, int], found: tuple[int, str, str] | None) -> None:
    assert first_difference(OURS, theirs) == found


def test_a_token_more_fits_on_the_side_of_the_teacher_only() -> None:
    ours, theirs = tiny.gpt2_tokenizer(), tiny.gpt2_tokenizer()
    size = len(ours)
    theirs.add_tokens(["<|assistant|>"])
    assert mismatch(ours, theirs) is None
    assert mismatch(theirs, ours) == (
        f"its vocabulary ({size} tokens) is not the student's ({size + 1}):"
        f" id {size} is 'nothing' there and '<|assistant|>' here"
    )


def test_the_way_out_names_the_families_that_share_the_tokenizer() -> None:
    assert relatives(config_of("t5", "small")) == ["flan-t5", "t5"]
    assert set(relatives(config_of("gpt2", "small"))) == {"gpt2", "gpt-neo", "cerebras-gpt"}
    assert "objective=sequence" in way_out(config_of("t5", "small"))
    assert "flan-t5, t5" in way_out(config_of("t5", "small"))
    assert "tokenizer=family" in way_out(config_of("t5", "nano", tokenizer="trained"))
