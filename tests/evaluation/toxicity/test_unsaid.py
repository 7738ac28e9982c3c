"""No message keeps a stretch of a text."""

from __future__ import annotations

import json
from difflib import SequenceMatcher

from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.evaluation.toxicity.unsaid import RUN, unsaid

TEXT = st.text("ab c'\n", max_size=80)


def test_what_is_quoted_is_struck_out() -> None:
    text = "Oh, you are a silly goose\nand more"
    assert unsaid("invalid input: 'you are a silly goose'", [text]) == "invalid input: '***'"
    assert unsaid(f"bad: {text[3:33]!r}", [text]) == "bad: '***'"
    assert unsaid(f"bad: {json.dumps('“' + text)}", ["“" + text]) == 'bad: "***"'
    assert unsaid("no such key", [text, ""]) == "no such key"
    assert unsaid("what is goose?", ["goose"]) == "what is ***?"
    assert unsaid("I cannot", ["I"]) == "I cannot"


@settings(deadline=None)
@given(TEXT, TEXT, TEXT)
def test_nothing_long_is_shared_afterwards(before: str, text: str, after: str) -> None:
    message = unsaid(f"{before}{text}{after}", [text])
    shared = SequenceMatcher(None, message, text, autojunk=False).find_longest_match()
    assert shared.size < RUN
