"""Human ratings: the paper's Figure 5 to the digit, ours with theirs beside it."""

from __future__ import annotations

from lamini.comparison.blocks import Drawing, Listing, Missing
from lamini.comparison.chapters import ratings
from lamini.comparison.herd import Herd
from lamini.comparison.reading import read
from tests.comparison import made

FIGURE5 = {  # model: A, B, C, D, A+B, as the figure and the text have them
    "gpt-3.5-turbo": [91, 14, 9, 0, 105],
    "LaMini-LLaMA-7B": [55, 26, 28, 5, 81],
    "LaMini-Flan-T5-783M": [45, 25, 30, 14, 70],
    "Alpaca-7B": [39, 34, 29, 12, 73],
    "Flan-T5-large-783M": [9, 19, 41, 45, 28],
    "GPT-2-xl-1.5B": [0, 0, 19, 95, 0],
}


def test_figure_5() -> None:
    blocks = ratings.chapter(read("paper")).blocks
    (listing,) = [block for block in blocks if isinstance(block, Listing)]
    rows = {str(row[0]): row for row in listing.table.rows}
    assert len(rows) == 22 and all(sum(map(int, row[1:5])) == 114 == row[-1] for row in rows.values())
    for name, told in FIGURE5.items():
        assert rows[name][1:5] == told[:4]
        assert round(float(rows[name][5]) * 114 / 100) == told[4]  # type: ignore[arg-type]
    keys = dict(zip(rows, listing.rows, strict=True))
    assert keys["LaMini-LLaMA-7B"] == "LaMini-LLaMA-7B" and keys["LaMini-Cerebras-111M"] == "LaMini-C-111M"
    assert [owner for owner, key in keys.items() if not key] == ["gpt-3.5-turbo"]  # none of the 35 models
    assert [type(block) for block in blocks].count(Drawing) == 1


def test_ours_before_the_papers() -> None:
    studies = [made.study("responses", {"ann": "ABCABDDDBBBCABC"}), made.study("preference", {"ann": "12T"})]
    blocks = ratings.chapter(Herd([made.run("flan-t5-small")], ratings=studies)).blocks
    names = [block.table.name for block in blocks if isinstance(block, Listing)]
    assert names[-1] == "paper_figure5_counts" and len(names) == len(set(names)) > 3
    assert not any(isinstance(block, Missing) for block in blocks)


def test_without_the_paper_nothing_of_it_is_shown() -> None:
    blocks = ratings.chapter(Herd([made.run("t5-small")], paper=False)).blocks
    assert [type(block) for block in blocks] == [Missing]


def test_ratings_of_data_stand_elsewhere() -> None:
    study = made.study("pairs", {"ann": "ABCABDDDBB"})
    blocks = ratings.chapter(Herd([], ratings=[study], paper=False)).blocks
    assert [type(block) for block in blocks] == [Missing]
