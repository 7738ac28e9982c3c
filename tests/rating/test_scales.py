"""The scales: the paper's letters, best first, each with a criterion that can be read beside the answers."""

from __future__ import annotations

import pytest

from lamini.rating.scales import scale_of

SCALES = {
    "responses": ("quality", ("A", "B", "C", "D"), True),
    "pairs": ("quality", ("A", "B", "C", "D"), True),
    "hallucination": ("rejection", ("R", "H"), False),
    "preference": ("preference", ("1", "2", "T"), False),
}


@pytest.mark.parametrize("sheet", SCALES)
def test_letters_and_order(sheet: str) -> None:
    scale = scale_of(sheet)
    assert (scale.name, scale.letters, scale.ordinal) == SCALES[sheet]
    assert scale.question.endswith("?")
    for level in scale.levels:
        assert isinstance(level.letter, str) and len(level.letter) == 1
        assert 3 <= len(level.name) <= 30 and level.criteria.endswith(".")
        assert 40 <= len(level.criteria) <= 200, "one or two sentences, always in view"
