"""How two sets of answers are compared, and which instructions are asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.exporting.parity import compare, instructions_for, prompts_of, shared_prefix
from tests.evaluation.exported import student

IDS = st.lists(st.integers(0, 3), max_size=6)


@given(IDS, IDS, IDS)
def test_a_shared_prefix_is_one_and_the_longest(common: list[int], one: list[int], other: list[int]) -> None:
    length = shared_prefix(common + one, common + other)
    assert length >= len(common) and (common + one)[:length] == (common + other)[:length]
    if one and other and one[0] != other[0]:
        assert length == len(common)


def test_the_first_difference_is_told() -> None:
    found = compare(
        ["a", "b", "c"], ["1", "2", "3"], ["1", "x", "y"], [([1], [1]), ([2], [9]), ([3, 4], [3])]
    )
    assert (found.instructions, found.same, found.tokens) == (3, pytest.approx(1 / 3), pytest.approx(0.5))
    assert found.first == {"instruction": "b", "student": "2", "export": "x"}
    same = compare(["a"], [""], [""], [([], [])])
    assert (same.same, same.tokens, same.first) == (1, 1, None)


def test_instructions_of_a_file_of_the_run_or_ours(tmp_path: Path) -> None:
    assert len(instructions_for(tmp_path, None, 20)) == 20
    assert instructions_for(tmp_path, None, 1) == ["Name three primary colours."]
    rows = [{"instruction": text} for text in ("Sort", "Count", "Sort")]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert instructions_for(tmp_path, None, 3) == ["Sort", "Count", "Name three primary colours."]
    (tmp_path / "mine.json").write_text(json.dumps([{"instruction": "Mine"}]))
    assert instructions_for(tmp_path, str(tmp_path / "mine.json"), 20) == ["Mine"]
    (tmp_path / "answers.jsonl").write_text('{"instruc')
    assert instructions_for(tmp_path, None, 1) == ["Name three primary colours."]
    (tmp_path / "none.json").write_text(json.dumps([{"text": "Mine"}]))
    with pytest.raises(UserError, match="parity.instructions=.*none.json has no rows with `instruction`"):
        instructions_for(tmp_path, str(tmp_path / "none.json"), 20)


def test_no_prompt_is_cut() -> None:
    made = student("gpt2", context=64)
    short, long = "Hi", "word " * 100
    asked = prompts_of(made, [short, long], 8)
    assert asked == [(short, made.encode_prompts([short])[0])]
