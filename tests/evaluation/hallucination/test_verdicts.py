"""One word is a verdict, everything else is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.evaluation.hallucination.verdicts import VERDICTS, verdict_in


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("REJECTED", "rejected"),
        (" Hallucinated.\n", "hallucinated"),
        ("**REJECTED**", "rejected"),
        ("“hallucinated”", "hallucinated"),
        ("<think>It says that it cannot know: HALLUCINATED? No.</think>\n\nREJECTED", "rejected"),
        ("", None),
        ("Verdict: REJECTED", None),
        ("not rejected", None),
        ("REJECTED or HALLUCINATED", None),
        ("rejectedhallucinated", None),
        ("I would say rejected", None),
        ("rejection", None),
        ("yes", None),
        ("<think>REJECTED", None),
    ],
)
def test_examples(text: str, verdict: str | None) -> None:
    assert verdict_in(text) == verdict


@given(
    st.sampled_from(VERDICTS), st.lists(st.booleans(), min_size=12, max_size=12),
    st.text(" \t\n*_`\"'.!:"), st.text(" \t\n*_`\"'.!:"),
)  # fmt: skip
def test_case_and_marks_do_not_count(verdict: str, upper: list[bool], before: str, after: str) -> None:
    word = "".join(c.upper() if up else c for c, up in zip(verdict, upper, strict=False)) + verdict[12:]
    assert verdict_in(f"{before}{word}{after}") == verdict


@given(st.sampled_from(VERDICTS), st.text(min_size=1))
def test_any_other_letter_or_digit_makes_it_no_verdict(verdict: str, more: str) -> None:
    if any(c.isalnum() for c in more):
        assert verdict_in(f"{verdict} {more}") is None
        assert verdict_in(f"{more} {verdict}") is None


@given(st.text())
def test_other_texts_are_none(text: str) -> None:
    letters = "".join(c for c in text.lower() if c.isalpha())
    if letters not in VERDICTS:
        assert verdict_in(text) is None
