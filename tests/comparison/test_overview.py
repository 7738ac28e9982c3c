"""The overview: one row a member, who is ranked with whom, the best of each size, what failed; provenance."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.comparison.blocks import Chapter, Drawing, Listing, Missing, Text
from lamini.comparison.chapters import overview, provenance
from lamini.comparison.evaluation.best import best, size_class
from lamini.comparison.figures.drawing import svg
from lamini.comparison.herd import Herd
from lamini.comparison.reading import read
from tests.comparison.herds import run, scored


@pytest.fixture
def herd(tmp_path: Path) -> Herd:
    """Two seeds of t5-nano, a student that lacks a task, one that failed, one on other data."""
    place = tmp_path / "herd"
    scored(run(place / "t5-nano,seed=1", "model=t5-nano", "seed=1"), {"a": 0.50, "b": 0.60})
    scored(run(place / "t5-nano,seed=2", "model=t5-nano", "seed=2"), {"a": 0.52, "b": 0.62})
    scored(run(place / "gpt2-nano", "model=gpt2-nano", data="e" * 12), {"a": 0.58, "b": 0.60})
    scored(run(place / "llama-nano", "model=llama-nano"), {"a": 0.90})
    run(
        place / "flan-t5-small", "model=flan-t5-small", status="failed", record={"error": "no <b>weights</b>"}
    )
    (place / "gpt2-nano" / "evaluation" / "torn.json").write_text("{")
    return read(str(place))


def listings(chapter: Chapter) -> dict[str, Listing]:
    return {block.table.name: block for block in chapter.blocks if isinstance(block, Listing)}


def test_one_row_a_member_with_marks(herd: Herd) -> None:
    table = listings(overview.chapter(herd))["herd"]
    names = [column.name for column in table.table.columns]
    cells = {row[0]: dict(zip(names, row, strict=True)) for row in table.table.rows}
    assert list(table.rows) == [member.key for member in herd.members] == list(cells)
    assert cells["t5-nano,seed=1"]["quick, mean"] == 55.0
    assert cells["flan-t5-small"]["status"] == "failed"
    assert cells["flan-t5-small"]["quick, mean"] is None
    assert "hallucinated" not in names  # nobody has any
    place = list(cells).index("llama-nano"), names.index("quick, mean")
    assert table.marks[place].meaning == "ranked apart: lacks b"
    scratch = [list(cells)[row] for (row, column), mark in table.marks.items() if mark is overview.SCRATCH]
    assert "t5-nano,seed=1" in scratch
    assert "flan-t5-small" not in scratch


def test_the_best_of_each_size_by_the_mean_over_seeds(herd: Herd) -> None:
    rows = best(herd).rows
    assert [row[:4] for row in rows] == [
        ["quick, mean of 2 tasks", "1M to 10M", 2, "gpt2-nano"],
        ["quick, mean of 1 task (lacks b)", "1M to 10M", 1, "llama-nano"],
    ]
    assert rows[0][4:] == [59.0, "t5-nano", 3.0]  # the mean of 55 and 57


def test_the_interval_over_seeds_stands_beside_the_winner(tmp_path: Path) -> None:
    for seed, share in ((1, 0.5), (2, 0.6), (3, 0.7)):
        scored(run(tmp_path / "herd" / f"t5-nano,seed={seed}", "model=t5-nano", f"seed={seed}"), {"a": share})
    table = best(read(str(tmp_path / "herd")))
    (row,) = table.rows
    assert [column.name for column in table.columns][4:7] == ["score", "from", "to"]
    assert row[2:5] == [1, "t5-nano", pytest.approx(60.0)]
    assert row[5:7] == pytest.approx([60 - 24.84, 60 + 24.84], abs=0.01)  # t of 2 degrees of freedom


def test_a_student_with_one_easy_task_wins_nothing_of_the_others(herd: Herd) -> None:
    assert "llama-nano" not in [row[3] for row in best(herd).rows if row[0] == "quick, mean of 2 tasks"]


def test_bits_a_byte_where_nothing_was_scored(tmp_path: Path) -> None:
    for name, bits, data in (("t5-nano", 1.2, "d"), ("gpt2-nano", 1.1, "d"), ("llama-nano", 0.5, "e")):
        run(
            tmp_path / "herd" / name,
            f"model={name}",
            data=data * 12,
            record={"validation_bits_per_byte": bits},
        )
    rows = best(read(str(tmp_path / "herd"))).rows
    assert [(row[0], row[3], row[5]) for row in rows] == [
        ("bits/byte on data dddddddd, less is better", "gpt2-nano", "t5-nano"),
        ("bits/byte on data eeeeeeee, less is better", "llama-nano", ""),
    ]
    assert rows[0][6] == pytest.approx(0.1)


def test_size_classes_have_every_size() -> None:
    assert [size_class(n) for n in (1, 999_999, 10**6, 61_000_000, 10**9, 7 * 10**9)] == [
        "below 100K", "100K to 1M", "1M to 10M", "10M to 100M", "1B to 3B", "3B and more",
    ]  # fmt: skip


def test_what_failed(herd: Herd) -> None:
    rows = listings(overview.chapter(herd))["failed"].table.rows
    assert rows[0] == ["flan-t5-small", "failed", "no <b>weights</b>"]
    assert (rows[1][0], rows[1][1]) == ("gpt2-nano", "torn file")
    assert "torn.json" in str(rows[1][2])


def test_the_texts_say_who_does_not_compare(herd: Herd) -> None:
    told = overview.facts(herd)
    assert told.startswith("5 students (5 runs of train.py) of 4 families.")
    assert "2 different sets of pairs" in told
    assert "`quick` was asked in 2 ways that do not compare" in told


def test_the_figure_shows_the_group_that_compares(herd: Herd) -> None:
    (drawing,) = (block for block in overview.chapter(herd).blocks if isinstance(block, Drawing))
    picture = svg(drawing)
    assert "gpt2-nano" in picture
    assert "llama-nano" not in picture
    assert "from gpt2-nano with 59.0 down to t5-nano,seed=1 with 55.0" in drawing.alt
    assert "Dashed" in drawing.caption  # the chance of both tasks is known


@pytest.mark.parametrize("words", [("model=t5-nano",), ("model=flan-t5-small",)])
def test_one_failed_run_and_nothing_else(tmp_path: Path, words: tuple[str, ...]) -> None:
    unknown = dict.fromkeys(("data", "parameters", "validation_bits_per_byte", "seconds", "steps"))
    run(tmp_path / "herd" / "x", *words, status="failed", record={"error": "x", **unknown})
    found = read(str(tmp_path / "herd"))
    chapter = overview.chapter(found)
    assert any(isinstance(block, Missing) for block in chapter.blocks)
    assert len(listings(provenance.chapter(found))["provenance"].table.rows) == 1


def test_no_member_at_all() -> None:
    assert isinstance(overview.chapter(Herd([])).blocks[0], Text)
    assert provenance.chapter(Herd([])).blocks


def test_every_number_has_its_files(herd: Herd) -> None:
    found = listings(provenance.chapter(herd))
    runs, results = found["provenance"].table, found["results"].table
    row = dict(zip([column.name for column in runs.columns], runs.rows[1], strict=True))
    assert row["student"] == "gpt2-nano"
    assert (row["commit"], row["data"], row["lamini"]) == ("abcdef012345", "e" * 12, "0.6.0")
    assert str(row["folder"]).endswith("herd/gpt2-nano")
    assert len(str(row["configuration"])) == 12
    assert len(results.rows) == 4
    assert str(results.rows[0][2]).endswith("gpt2-nano/evaluation/quick.json")
    assert results.rows[0][5:] == ["0.4.13", "0.6.0", "w" * 12]


def test_the_papers_numbers_name_their_tables() -> None:
    rows = listings(provenance.chapter(read("paper")))["results"].table.rows
    assert len(rows) == 35 + 9 + 14
    assert {row[2] for row in rows} == {provenance.PAPER}


def test_dirty_commits_are_marked(tmp_path: Path) -> None:
    folder = run(tmp_path / "herd" / "x")
    text = (folder / "run.json").read_text().replace('"git_dirty": false', '"git_dirty": true')
    (folder / "run.json").write_text(text)
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "overrides.yaml").write_text(
        "- model=t5-nano\n- ++data.pairs=9\n- hydra.job.name=x\n"
    )
    table = listings(provenance.chapter(read(str(tmp_path / "herd"))))["provenance"]
    assert table.marks == {(0, 2): provenance.DIRTY}
    assert table.table.rows[0][-1] == "model=t5-nano data.pairs=9"
