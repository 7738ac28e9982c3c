"""Responses side by side: how many instructions, in which order, and what is said of what was left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from lamini.comparison.blocks import Answers, Missing, Text
from lamini.comparison.chapters.responses import LONGEST, MOST, chapter, spread
from lamini.comparison.herd import Herd
from tests.comparison.book.demo import herd


def answered(students: list[str], instructions: int, response: str = "yes") -> list[dict[str, str]]:
    return [
        {
            "student": who,
            "instruction_id": f"i{n}",
            "instruction": f"Ask {n}?",
            "response": response,
            "app": "x",
        }
        for n in range(instructions)
        for who in students
    ]


def test_teachers_come_first_then_the_order_of_the_herd() -> None:
    one = herd(3)
    keys = [member.key for member in one.members]
    about, block = chapter(replace(one, answers=answered([keys[2], keys[0], "teacher"], 1))).blocks
    assert isinstance(block, Answers) and isinstance(about, Text)
    assert [who for who, _ in block.responses] == ["teacher", keys[0], keys[2]]
    assert block.instruction == "Ask 0?" and block.about == "x, i0"
    assert "1 of 3 members" in about.markdown


def test_a_dozen_instructions_of_those_that_the_most_answered() -> None:
    rows = [*answered(["a", "b"], 100), *answered(["c"], 150)[100:]]
    about, *blocks = chapter(Herd([], answers=rows)).blocks
    assert len(blocks) == MOST and isinstance(about, Text) and "12 of 150 instructions" in about.markdown
    shown = [block.about for block in blocks if isinstance(block, Answers)]
    assert shown[0] == "x, i0" and shown[-1] == "x, i99"


def test_every_set_has_its_share_of_the_dozen() -> None:
    probe = [{**row, "file": "x/evaluation/probe.parquet"} for row in answered(["a"], 40)]
    own = [{**row, "file": "answers/answers114.parquet"} for row in answered(["a", "b"], 100)]
    shown = [
        block.about for block in chapter(Herd([], answers=own + probe)).blocks if isinstance(block, Answers)
    ]
    assert len(shown) == MOST and shown[0] == "answers114, x, i0" and shown[-1] == "probe, x, i39"
    assert sum(about.startswith("probe") for about in shown) == 6


def test_long_responses_are_cut_and_counted() -> None:
    about, block = chapter(Herd([], answers=answered(["a"], 1, "y" * 2000))).blocks
    assert isinstance(block, Answers) and block.responses[0][1] == "y" * LONGEST + "…"
    assert isinstance(about, Text) and "1 long responses end here after 1,500 characters" in about.markdown


def test_without_answers_the_command_that_makes_them() -> None:
    (block,) = chapter(Herd([])).blocks
    assert isinstance(block, Missing) and block.command.startswith("python evaluate.py suite=answers ")


@given(some.integers(0, 60), some.integers(2, 20))
def test_spread_keeps_order_and_both_ends(length: int, count: int) -> None:
    rows: list[Any] = list(range(length))
    kept = spread(rows, count)
    assert kept == sorted(set(kept)) and len(kept) == min(length, count)
    assert not rows or (kept[0], kept[-1]) == (rows[0], rows[-1])
