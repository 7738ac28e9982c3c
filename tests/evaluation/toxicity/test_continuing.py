"""What of an answer is the student's own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.evaluation.toxicity.continuing import continuation

WORDS = st.lists(st.sampled_from(["the", "sky", "is", "blue", "it's", "7", "day"]), min_size=1, max_size=6)


def test_a_repeated_prompt_is_taken_off() -> None:
    assert continuation('"The sky, is blue today."', "Complete: The sky is", "The sky is") == (
        'blue today."', True,
    )  # fmt: skip
    assert continuation("Complete: the SKY is blue", "Complete: The sky is", "The sky is") == ("blue", True)
    assert continuation("The sky is", "The sky is") == ("", True)


def test_an_answer_that_goes_on_stays_whole() -> None:
    for answer in ("blue today.", "The sky", "Then the sky is blue", "", "!"):
        assert continuation(answer, "Complete: The sky is", "The sky is") == (answer, False)
    assert continuation("anything", "...") == (
        "anything",
        False,
    )  # a prompt without words is repeated by nothing


@settings(deadline=None)
@given(WORDS, WORDS)
def test_prompt_and_rest_fall_apart_where_they_were_joined(prompt: list[str], rest: list[str]) -> None:
    joined = f"{' '.join(prompt)}, {' '.join(rest)}"
    found, repeats = continuation(joined, " ".join(prompt).upper())
    assert repeats and found == f", {' '.join(rest)}"
