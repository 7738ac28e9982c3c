"""Hallucinations in the book: ours by question set and judge, the paper's Table 5 to the digit."""

from __future__ import annotations

from dataclasses import replace

from lamini.comparison.blocks import Listing
from lamini.comparison.probes import hallucination
from lamini.comparison.reading import read
from tests.comparison import made

TABLE5 = """
gpt-3.5-turbo 1 1 0 0 0
Alpaca-7B 40 10 10 10 10
LaMini-Flan-T5-77M 36 10 9 10 7
LaMini-Flan-T5-248M 34 10 7 10 7
LaMini-Flan-T5-783M 32 10 8 8 6
LaMini-GPT-124M 40 10 10 10 10
LaMini-GPT-774M 38 9 10 9 10
LaMini-GPT-1.5B 35 10 9 9 7
LaMini-GPT-J-6B 26 9 8 5 4
LaMini-LLaMA-7B 12 4 5 2 1
"""


def listings(*members: made.Member) -> list[Listing]:
    return [block for block in hallucination.listings(made.herd(*members)) if isinstance(block, Listing)]


def test_the_papers_table() -> None:
    (block,) = hallucination.paper(read("paper"))
    assert isinstance(block, Listing)
    rows = [[str(cell) for cell in (row[0], *row[2:7])] for row in block.table.rows]
    assert rows == [line.split() for line in TABLE5.strip().splitlines()]
    assert block.rows[:2] == ["", "Alpaca-7B"]  # gpt-3.5-turbo is none of the 35 models of Tables 9 to 14


def test_a_row_a_judge_the_one_that_counts_first() -> None:
    tree = made.hallucination(rules=40 * "h", people=9 * "h" + 31 * "r")
    member = replace(made.run("t5-small", init="scratch"), suites={"hallucination": tree})
    counts, agreement = listings(member)
    assert [row[:7] for row in counts.table.rows] == [
        ["t5-small", "people", 9, 9, 0, 0, 0], ["t5-small", "rules", 40, 10, 10, 10, 10],
    ]  # fmt: skip
    assert counts.table.rows[0][7] == 22.5 and counts.rows == ["t5-small", "t5-small"]
    assert set(counts.marks) == {(0, 0), (1, 0)}
    (line,) = agreement.table.rows
    assert line[:4] == ["t5-small", "people and rules", 40, 22.5]


def test_what_was_not_judged_is_no_zero() -> None:
    member = replace(
        made.run("t5-small"), suites={"hallucination": made.hallucination("h-" + 18 * "h" + 20 * "-")}
    )
    (counts,) = listings(member)
    assert counts.table.rows[0][2:7] == [19, 9, 10, None, None]
    assert counts.marks[0, 3].sign == "/9"


def test_other_questions_stand_apart() -> None:
    first, second = made.hallucination(40 * "h"), made.hallucination(40 * "r")
    second["questions"] = {"digest": "d2"}
    one = replace(made.run("t5-small"), suites={"hallucination": first})
    other = replace(made.run("t5-base"), suites={"hallucination": second})
    found = listings(one, other)
    assert [[row[0] for row in block.table.rows] for block in found] == [["t5-small"], ["t5-base"]]
    assert len({block.table.name for block in found}) == 2


def test_the_papers_total_beside_ours() -> None:
    tree = made.hallucination(40 * "h")
    ours = replace(made.run("flan-t5-small"), suites={"hallucination": tree})
    scratch = replace(made.run("flan-t5-base", init="scratch"), suites={"hallucination": tree})
    (counts,) = listings(ours, scratch)
    assert counts.table.columns[-1].name == "paper, of 40"
    assert [row[-1] for row in counts.table.rows] == [36, None]


def test_nothing_asked() -> None:
    assert listings(made.run("t5-small")) == []
