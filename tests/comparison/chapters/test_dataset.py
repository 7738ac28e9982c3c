"""Dataset: the paper's Tables 1 and 2 and Figure 3 to the digit, a real report beside them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lamini.analysis.tables import comma_separated
from lamini.comparison.blocks import Listing, Missing, Text
from lamini.comparison.chapters import dataset
from lamini.comparison.herd import Herd
from lamini.comparison.reading import read
from lamini.compose import compose
from tests.comparison import made

TABLE1 = """
self_instruct_without_topic 0.27 3.82 14.27 17.64 65.90
self_instruct_with_topic 0.28 3.75 13.26 17.61 62.38
generated_p3 0.30 14.63 49.22 6.35 21.34
generated_flan 0.29 10.69 36.37 8.62 29.33
alpaca 0.05 0.89 17.11 2.84 54.72
original_p3 0.46 39.37 84.78 9.84 21.19
original_flan 0.93 57.45 61.91 21.88 23.58
all 2.58 130.60 50.62 84.78 32.86
"""
TABLE2 = {
    "self_instruct_without_topic": [72.46, 74.36],
    "self_instruct_with_topic": [73.40, 76.70],
    "generated_p3": [75.31, 74.76],
    "generated_flan": [73.40, 75.80],
    "alpaca": [77.00, 76.20],
    "original_p3": [77.03, 74.45],
    "original_flan": [76.63, 76.11],
    "all": [78.59, 77.59],
}


def tables(herd: Herd) -> dict[str, Listing]:
    return {block.table.name: block for block in dataset.chapter(herd).blocks if isinstance(block, Listing)}


def test_tables_1_and_2() -> None:
    found = tables(read("paper"))
    told = [line.split() for line in TABLE1.strip().splitlines()]
    assert [
        [str(row[0]), *(f"{cell:.2f}" for cell in row[1:])] for row in found["paper_table1"].table.rows
    ] == told
    assert {str(row[0]): row[1:] for row in found["paper_table2"].table.rows} == TABLE2


def test_figure_3() -> None:
    """13.5 % and 12.5 % of the responses to collected prompts are C or D, 2 % of self-instruct's."""
    rows = tables(read("paper"))["paper_figure3_counts"].table.rows
    assert len(rows) == 14
    found = {(row[0], row[1]): list(map(int, row[2:6])) for row in rows}  # type: ignore[arg-type]
    assert found["response", "original_p3"] == [327, 19, 21, 33]
    assert found["instruction", "self_instruct_without_topic"] == [382, 16, 4, 0]  # 402, as printed
    assert found["response", "alpaca"] == [367, 27, 6, 10]
    worst = {name: (c + d) / 4 for (part, name), (_, _, c, d) in found.items() if part == "response"}
    assert (worst["original_p3"], worst["original_flan"]) == (13.5, 12.5)
    assert worst["self_instruct_without_topic"] == 2


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """outputs/ with a report on the oracle's data, as analyze.py writes it."""
    from lamini.analysis.measure import analyze

    outputs = tmp_path_factory.mktemp("outputs")
    words = ["data=oracle", "data.pairs=150", "data.held_out=0", "processes=1", "figures=false"]
    words += ["semantic.model=null", f"paths.output_dir={outputs}"]
    analyze(compose("analyze", [*words, f"paths.cache_dir={outputs / 'cache'}"]))  # type: ignore[arg-type]
    return outputs


def report_of(outputs: Path) -> tuple[str, Path, dict[str, Any]]:
    (file,) = (outputs / "analysis").glob("*/report.json")
    tree = json.loads(file.read_text())
    return str(tree["fingerprint"]), file.parent, {**tree, "folder": str(file.parent)}


def test_a_report_of_ours(analyzed: Path) -> None:
    """The book's tables are analyze.py's own, number by number."""
    fingerprint, folder, tree = report_of(analyzed)
    member = made.run("t5-nano", data={"fingerprint": fingerprint, "pairs": 150})
    herd = Herd([member], analysis={fingerprint: tree})
    found, files = tables(herd), sorted((folder / "tables").glob("*.csv"))
    assert files
    for file in files:
        with file.open(newline="") as lines:
            assert list(csv.reader(comma_separated(found[file.stem].table).splitlines())) == list(
                csv.reader(lines)
            )
    blocks = dataset.chapter(herd).blocks
    assert (
        isinstance(blocks[0], Text) and fingerprint in blocks[0].markdown and "1 of the" in blocks[0].markdown
    )
    assert "instruction mean, paper" in [column.name for column in found["lengths"].table.columns]


def test_spread_of_meaning(analyzed: Path) -> None:
    _, _, tree = report_of(analyzed)
    told = {"rows": 9, "distance": 0.75, "bounds": [0.7, 0.8], "vendi": 4.5}
    part = {"model": "tfidf", "vendi_rows": 9, "sets": {"alpaca": told}}
    found = {
        table.name: table for table in dataset.tables({**tree, "parts": {**tree["parts"], "semantic": part}})
    }
    assert found["semantic"].rows == [["alpaca", 9, 0.75, 0.7, 0.8, 4.5]]


def test_several_reports_have_names_of_their_own(analyzed: Path) -> None:
    fingerprint, _, tree = report_of(analyzed)
    herd = Herd([], analysis={fingerprint: tree, "f" * 16: {**tree, "fingerprint": "f" * 16}})
    blocks = dataset.chapter(herd).blocks
    names = [block.table.name for block in blocks if isinstance(block, Listing)]
    assert (
        f"lengths_{fingerprint[:8]}" in names
        and "lengths_ffffffff" in names
        and len(names) == len(set(names))
    )


def test_data_that_nobody_looked_at() -> None:
    blocks = dataset.missing(Herd([made.run("t5-nano"), made.run("t5-micro")]))
    assert [block.what for block in blocks if isinstance(block, Missing)] == ["A report on data c0ffee."]


def test_many_data_sets_without_a_report_are_counted() -> None:
    runs = [made.run(f"t5-{n}", data={"fingerprint": f"c0ffee{n}"}) for n in range(9)]
    found = dataset.missing(Herd(runs))
    assert [type(block) for block in found] == [Missing, Missing, Missing, Text]
    assert isinstance(found[-1], Text) and found[-1].markdown.startswith("6 more")


def test_a_report_of_another_version() -> None:
    (block,) = dataset.of_report(Herd([]), "f" * 16, {"format": 9}, several=False)
    assert isinstance(block, Missing) and "format 9" in block.what


def test_a_hostile_fingerprint_is_no_markup(analyzed: Path) -> None:
    _, _, tree = report_of(analyzed)
    block = dataset.of_report(Herd([]), "[x](javascript:1)<b>", tree, several=True)[0]
    assert isinstance(block, Text) and "(" not in block.markdown and "<" not in block.markdown
