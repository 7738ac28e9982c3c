"""Studies of rate.py in the book: the same numbers as rate.py's own tables and bars, and nobody's name."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lamini.analysis.tables import comma_separated
from lamini.comparison.blocks import Drawing, Listing, Missing, Text
from lamini.comparison.figures.drawing import svg
from lamini.comparison.ratings import rated, rated_tables
from lamini.rating.summary import report
from lamini.rating.summary.summary import summed_up
from tests.comparison.made import herd, run, study
from tests.rating import small
from tests.rating.summary.rows import BOOTSTRAP, collected

RATINGS = {
    "responses": {"ann": "ABCABDDDBBBCABC", "bo": "ABDACD---------"},
    "pairs": {"ann": "ABCABDDDBB", "bo": "ABDACDAAAA"},
    "hallucination": {"ann": "RHRRHHHHRRRRRHH", "bo": "RHHRRH---------"},
    "preference": {"ann": "121T2112T1212TT", "bo": "122T1T---------"},
}


@pytest.mark.parametrize("sheet", RATINGS)
def test_bars_are_those_of_rate(sheet: str) -> None:
    summary = summed_up(collected(small.study(sheet, 5), RATINGS[sheet]), BOOTSTRAP)
    bars = rated.bars(json.loads(json.dumps(report.record(summary))))
    assert bars is not None
    theirs = report.bars(summary)
    assert (bars.levels, bars.panels) == (theirs.levels, theirs.panels)


def test_levels_are_those_of_rate() -> None:
    tree = study("responses", RATINGS["responses"])
    rows = {row["owner"]: row for row in tree["counts"]["people"]}
    table = rated_tables.levels(herd(), tree, "people", "response").table
    assert len(table.rows) == len(rows) == 3
    for line in table.rows:
        row = rows[str(line[0])]
        cells = dict(zip([column.name for column in table.columns], line, strict=True))
        assert [cells[letter] for letter in "ABCD"] == [row["counts"][letter] for letter in "ABCD"]
        assert cells["A+B %"] == 100 * row["top"]["value"] and cells["mean"] == row["mean"]["value"]
        assert [cells["mean from"], cells["mean to"]] == row["mean"]["interval"]
        assert cells["rated"] == row["rated"] == sum(row["counts"].values())


def test_a_text_that_two_rated_is_shared() -> None:
    """flan-t5-small owns the first text of each item: ann A A D B A, bo A A on the first two."""
    tree = study("responses", RATINGS["responses"])
    table = rated_tables.levels(herd(), tree, "people", "response").table
    line = next(line for line in table.rows if line[0] == "flan-t5-small")
    assert line[1:5] == [3.0, 1.0, 0.0, 1.0]


def test_agreement_without_names() -> None:
    tree = study("responses", RATINGS["responses"], {"judge m": "ABCABDDDBBBCABA"})
    listing = rated_tables.agreement(tree)
    assert listing is not None
    who = list(dict.fromkeys(row[0] for row in listing.table.rows))
    both = ["judge m with people", "judge m with people, where several rated"]
    assert who == ["people", *both, "judge m"]
    people, judge = tree["agreement"]["people"][0], tree["agreement"]["judges"][0]
    rows = {(row[0], row[1]): list(row[2:]) for row in listing.table.rows}
    assert rows["people", "share of equal ratings"] == [
        6,
        people["equal"]["value"],
        *people["equal"]["interval"],
    ]
    assert rows["people", "Krippendorff's alpha"][:2] == [6, people["alpha"]["value"]]
    assert rows["people", "kappa, quadratic"][1] == people["kappa"]["quadratic"]["value"]
    assert rows["people", "Fleiss' kappa"][1] == people["fleiss"]["kappa"]["value"]
    assert rows["judge m", "order of the owners, as people's: tau"][1] == judge["ranking"]
    for block in rated.study(herd(), tree):
        words = comma_separated(block.table) if isinstance(block, Listing) else repr(block)
        assert "ann" not in words.split() and " bo" not in words


def test_the_papers_share_stands_beside_a_source_of_its_name() -> None:
    """Of Alpaca's 400 instructions 381 are A and 17 B there: 99.5 %."""
    table = rated_tables.levels(herd(), study("pairs", RATINGS["pairs"]), "people", "instruction").table
    assert table.columns[-1].name == "A+B %, paper"
    assert {row[0]: row[-1] for row in table.rows} == {
        "alpaca": 99.5, "original_p3": 100.0, "self_instruct": None,
    }  # fmt: skip


def test_the_papers_share_stands_beside_the_student_that_we_trained() -> None:
    """flan-t5-small becomes LaMini-Flan-T5-77M, with 29 A and 18 B of 114; from random weights not."""
    tree = study("responses", RATINGS["responses"])
    mine = rated_tables.levels(herd(run("flan-t5-small")), tree, "people", "response").table
    row = next(row for row in mine.rows if row[0] == "flan-t5-small")
    assert mine.columns[-1].name == "A+B %, paper" and row[-1] == 100 * 47 / 114
    scratch = herd(run("flan-t5-small", init="scratch"))
    table = rated_tables.levels(scratch, tree, "people", "response").table
    assert {row[0]: row[-1] for row in table.rows} == {
        "flan-t5-small": None, "gpt2-medium": None, "gpt-3.5-turbo": 100 * 105 / 114,
    }  # fmt: skip


def test_no_agreement_where_nobody_rated_twice() -> None:
    assert rated_tables.agreement(study("responses", {"ann": "ABC"})) is None


def test_wins_and_differences() -> None:
    tree = study("preference", RATINGS["preference"])
    wins = rated_tables.wins(herd(), tree, "people").table
    assert [row[0] for row in wins.rows] == [one["owner"] for one in tree["preferences"]["people"]["owners"]]
    assert sum(float(row[1] or 0) for row in wins.rows) == sum(float(row[3] or 0) for row in wins.rows)
    compared = study("responses", RATINGS["responses"])
    differences = rated_tables.differences(compared).table
    assert len(differences.rows) == 3
    assert [row[-1] for row in differences.rows] == [one["holm"] for one in compared["differences"]]


@pytest.mark.parametrize("sheet", RATINGS)
def test_blocks_of_every_sheet(sheet: str) -> None:
    blocks = rated.study(herd(), study(sheet, RATINGS[sheet], {"judge m": RATINGS[sheet]["ann"]}))
    assert isinstance(blocks[0], Text) and isinstance(blocks[1], Drawing)
    names = [block.table.name for block in blocks if isinstance(block, Listing)]
    assert names and len(names) == len(set(names))
    for block in blocks:
        if isinstance(block, Listing):
            assert all(len(row) == len(block.table.columns) for row in block.table.rows)
            assert not block.rows or len(block.rows) == len(block.table.rows)


def test_rows_and_bars_belong_to_members() -> None:
    mine = herd(run("flan-t5-small"), replace(run("gpt2-medium", init="scratch"), key="herd/gpt2-medium"))
    blocks = rated.study(mine, study("responses", RATINGS["responses"]))
    listing = next(block for block in blocks if isinstance(block, Listing))
    keys = dict(zip([row[0] for row in listing.table.rows], listing.rows, strict=True))
    assert keys == {"flan-t5-small": "flan-t5-small", "gpt2-medium": "herd/gpt2-medium", "gpt-3.5-turbo": ""}
    marked = [listing.table.rows[row][0] for row, _ in listing.marks]
    assert marked == ["gpt2-medium"]
    drawing = svg(next(block for block in blocks if isinstance(block, Drawing)))
    assert drawing.count("data-member") >= 2 and "gpt-3.5-turbo" in drawing


def test_of_two_members_of_one_name_neither_has_the_row() -> None:
    one = run("flan-t5-small")
    twins = herd(replace(one, key="a/flan-t5-small"), replace(one, key="b/flan-t5-small"))
    listing = rated_tables.levels(twins, study("responses", RATINGS["responses"]), "people", "response")
    assert set(listing.rows) == {""}


def test_another_version_is_said() -> None:
    blocks = rated.study(herd(), {"format": 99, "study": {"sheet": "responses"}})
    assert len(blocks) == 1 and isinstance(blocks[0], Missing) and "99" in blocks[0].what


def test_hostile_names_stay_text() -> None:
    tree: Any = study("responses", RATINGS["responses"])
    name = "<script>alert(1)</script>\x00\ud800 $x^2$ " + 60 * "n"
    for row in tree["counts"]["people"]:
        row["owner"] = name if row["owner"] == "gpt2-medium" else row["owner"]
    drawing = next(block for block in rated.study(herd(), tree) if isinstance(block, Drawing))
    drawn = svg(drawing)
    assert "<script>alert" not in drawn and "&lt;script&gt;" in drawn and 60 * "n" not in drawn
