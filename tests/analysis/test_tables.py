"""Tables as Markdown and CSV; the paper's numbers stand beside where they belong."""

from __future__ import annotations

import csv
import io

from lamini.analysis.sections import beside, published
from lamini.analysis.tables import Column, Table, comma_separated, markdown
from lamini.data.records import SOURCES

TABLE = Table(
    "t", "Title", [Column("set"), Column("share", ".1%"), Column("rows", ",d")],
    [["a|b\nc", 0.5, 1234], ["d", None, 7]], ["A note."],
)  # fmt: skip


def test_markdown() -> None:
    assert markdown(TABLE).splitlines() == [
        "| set | share | rows |",
        "| --- | ---: | ---: |",
        "| a\\|b c | 50.0% | 1,234 |",
        "| d |  | 7 |",
        "",
        "A note.",
    ]


def test_csv_keeps_the_numbers() -> None:
    rows = list(csv.reader(io.StringIO(comma_separated(TABLE))))
    assert rows == [["set", "share", "rows"], ["a|b\nc", "0.5", "1234"], ["d", "", "7"]]


def test_the_papers_sums_are_those_of_its_sets() -> None:
    """The columns of Table 1 add up, which a typing error would not survive."""
    table = published()["table1"]
    assert set(table) == {*SOURCES, "all"} == set(published()["table2"])
    own = [table[name] for name in SOURCES]
    assert round(sum(row["pairs"] for row in own), 2) == table["all"]["pairs"]
    for side in ("instruction", "response"):
        assert round(sum(row[side]["tokens"] for row in own), 2) == table["all"][side]["tokens"]
        for row in [*own, table["all"]]:
            about = row[side]["tokens"] / row["pairs"]
            assert abs(about / row[side]["mean"] - 1) < 0.12  # pairs are rounded to 0.01M


def test_the_papers_mixture_stands_beside_the_whole_mixture_only() -> None:
    assert set(beside("table2", ["alpaca", "mine", "all"])) == {"alpaca"}
    assert "all" in beside("table2", [*SOURCES, "all"])
    assert beside("table1", ["mine", "all"]) == {}
