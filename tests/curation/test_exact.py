"""Exact repeats: what counts as the same, and which row stays."""

from __future__ import annotations

import gzip
import json

import numpy as np

from lamini.curation.exact import instruction_key, normalised, repeats
from tests.data.toys import shared_data


def test_blanks_and_composition_do_not_count_case_and_punctuation_do() -> None:
    assert normalised(" Sum up:\n\n 3 ") == "Sum up: 3"
    assert normalised("Cafe\u0301\u00a0au lait") == "Caf\u00e9 au lait"
    keys = {instruction_key(text, 0) for text in ("polish it", "Polish it", "Polish it.", "Polishit")}
    assert len(keys) == 4


def test_samples_are_told_apart() -> None:
    assert instruction_key("Sum up", 0) != instruction_key("Sum up", 1)
    assert instruction_key("1:x", 0) != instruction_key("x", 1)
    assert instruction_key("Sum  up", 3) == instruction_key("Sum up\n", 3)


def test_the_first_stays() -> None:
    assert repeats(np.array([7, 5, 7, 7], np.uint64)).tolist() == [-1, -1, 0, 0]
    assert repeats(np.empty(0, np.uint64)).tolist() == []


def test_lone_surrogates_are_text_like_any_other() -> None:
    assert instruction_key("\ud800", 0) != instruction_key("\ud801", 0)


def test_alpaca() -> None:
    """Its 50,002 instructions are all different, as its authors saw to; second copies are found."""
    with gzip.open(shared_data() / "train" / "alpaca.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["instruction"] for line in lines]
    again = [f"  {text.replace(' ', '  ')} " for text in texts[::7]]
    found = repeats(np.array([instruction_key(text, 0) for text in texts + again], np.uint64))
    assert len(texts) == len({" ".join(text.split()) for text in texts}) == 50_002
    assert found.tolist() == [-1] * len(texts) + list(range(0, len(texts), 7))
