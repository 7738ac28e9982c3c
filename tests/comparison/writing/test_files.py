"""Tables and figures beside the book: marks in Markdown and LaTeX, numbers alone in CSV, what is removed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.analysis.tables import Column, Table
from lamini.comparison.blocks import Block, Chapter, Drawing, Listing, Mark, Missing, Text
from lamini.comparison.herd import Herd, Kind, Member
from lamini.comparison.writing import files
from lamini.comparison.writing.latex import LONG, SPECIAL, escaped, latex
from lamini.comparison.writing.marks import legend, marked, marks_separated
from lamini.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BETTER, SCRATCH = Mark("*", "differs from its base"), Mark("†", "began from random weights")
LISTING = Listing(
    Table("scores", "Scores & more", [Column("student"), Column("acc", ".1f"), Column("rows", ",d")],
          [["t5_nano", 51.26, 1200], ["100% | gpt2", None, 7]], ["Percent."]),
    {(0, 1): BETTER, (0, 0): SCRATCH, (1, 1): Mark("*", "differs from *its* base, p < 0.05")},
    ["t5_nano", "gpt2"],
)  # fmt: skip


def test_markdown_has_signs_behind_values_and_their_meanings_below() -> None:
    lines = marked(LISTING).splitlines()
    assert lines[2] == "| t5_nano † | 51.3 * | 1,200 |"
    assert lines[3] == "| 100% \\| gpt2 | * | 7 |"
    assert lines[1] == "| --- | ---: | ---: |"
    assert legend(LISTING) == [
        "† began from random weights",
        "* (t5_nano, acc) differs from its base",
        "* (100% | gpt2, acc) differs from *its* base, p < 0.05",
    ]


def test_csv_has_numbers_unrounded_and_marks_apart() -> None:
    found = dict(files.contents([Chapter("x", "X", [LISTING])]))
    rows = list(csv.reader(io.StringIO(str(found["tables/scores.csv"]))))
    assert rows == [["student", "acc", "rows"], ["t5_nano", "51.26", "1200"], ["100% | gpt2", "", "7"]]
    marks = list(csv.DictReader(io.StringIO(str(found["tables/scores.marks.csv"]))))
    assert [(row["row"], row["column"], row["sign"]) for row in marks] == [
        ("1", "student", "†"), ("1", "acc", "*"), ("2", "acc", "*"),
    ]  # fmt: skip
    assert marks_separated(LISTING) == found["tables/scores.marks.csv"]


def test_latex_of_a_small_table() -> None:
    assert latex(LISTING) == (
        "\\begin{table}[t]\n\\centering\\small\n\\caption{Scores \\& more}\\label{tab:scores}\n"
        "\\begin{tabular}{lrr}\n\\toprule\nstudent & acc & rows \\\\\n\\midrule\n"
        "t5\\_nano\\textsuperscript{\\dag{}} & 51.3\\textsuperscript{*} & 1,200 \\\\\n"
        "100\\% \\textbar{} gpt2 & \\textsuperscript{*} & 7 \\\\\n"
        "\\bottomrule\n\\end{tabular}\n\\par\\footnotesize Percent.\n"
        "\\par\\footnotesize \\dag{} began from random weights\n"
        "\\par\\footnotesize * (t5\\_nano, acc) differs from its base\n"
        "\\par\\footnotesize * (100\\% \\textbar{} gpt2, acc) differs from *its* base, p \\textless{} 0.05\n"
        "\\end{table}\n"
    )


def test_long_tables_break_over_pages() -> None:
    table = Table("long", "Long", [Column("n", "d")], [[n] for n in range(LONG + 1)])
    text = latex(Listing(table))
    assert text.count("\\begin{longtable}{r}") == text.count("\\end{longtable}") == 1
    assert text.count("\\\\\n") == LONG + 1 + 3  # rows, caption, head, head of later pages
    assert "tabular" not in text


@given(st.text(st.characters(exclude_characters="\0")))
def test_nothing_of_a_user_reaches_latex_as_a_command(text: str) -> None:
    """Undoing the escapes gives the text back, and without them nothing special is left."""
    bare = escaped(text)
    for sign, told in sorted(SPECIAL.items(), key=lambda pair: -len(pair[1])):
        bare = bare.replace(told, f"\0{ord(sign)}\0")
    parts = bare.split("\0")
    assert not set("".join(parts[::2])) & set("\\{}$&#%_^~")
    back = "".join(chr(int(part)) if n % 2 else part for n, part in enumerate(parts))
    assert back == " ".join(text.split())


def dots(canvas: Figure) -> None:
    canvas.subplots().plot([1, 2], [1, 2])


def chapters(*names: str) -> list[Chapter]:
    """One with a table and a figure of each name."""
    blocks: list[Block] = [Text("Hello."), Missing("nothing", "python train.py")]
    for name in names:
        blocks.append(Listing(Table(name, name, [Column("a")], [["b"]])))
        blocks.append(Drawing(name, name, "caption", "alt", dots, 2.0, 1.5))
    return [Chapter("one", "One", blocks)]


HERD = Herd([Member("x", Kind.run, Path("herd/x"), {"student": "t5-nano"}, status="failed")], ["left <out>"])


def test_all_files_and_their_record(tmp_path: Path) -> None:
    count = files.write(tmp_path, "<html>", chapters("first", "second"), HERD, {"runs": "herd"})
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    record = json.loads((tmp_path / "comparison.json").read_text())
    assert there == set(record["files"])
    assert count == len(there) == 2 + 2 * 5
    assert (tmp_path / "figures" / "first.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "figures" / "second.svg").read_text()
    assert record["members"][0]["status"] == "failed"
    assert record["left_out"] == ["left <out>"]
    assert record["config"] == {"runs": "herd"}
    assert record["chapters"] == [
        {"key": "one", "title": "One", "tables": ["first", "second"], "figures": ["first", "second"],
         "missing": [{"what": "nothing", "command": "python train.py"}]}
    ]  # fmt: skip


def test_what_nobody_writes_any_more_is_removed_and_nothing_else(tmp_path: Path) -> None:
    files.write(tmp_path, "<html>", chapters("first", "second"), HERD, {})
    (tmp_path / "tables" / "mine.csv").write_text("of the user")
    outside = tmp_path.parent / "outside.csv"
    outside.write_text("x")
    record = json.loads((tmp_path / "comparison.json").read_text())
    record["files"] += ["../outside.csv", str(outside), 7]
    (tmp_path / "comparison.json").write_text(json.dumps(record))
    files.write(tmp_path, "<html>", chapters("first"), HERD, {})
    assert not (tmp_path / "tables" / "second.csv").exists()
    assert not (tmp_path / "figures" / "second.png").exists()
    assert (tmp_path / "tables" / "mine.csv").exists()
    assert outside.exists()


def test_a_torn_record_of_an_earlier_time_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text('{"files": [')
    assert files.write(tmp_path, "<html>", chapters("first"), HERD, {}) == 7


def test_two_tables_of_one_name_are_a_mistake_of_ours(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="tables/first.csv"):
        files.write(tmp_path, "<html>", [*chapters("first"), *chapters("first")], HERD, {})


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write(tmp_path, "<old>", chapters("first"), HERD, {})
    monkeypatch.setattr("os.fsync", _full)
    with pytest.raises(UserError, match=r"book.html cannot be written: the disk is full"):
        files.write(tmp_path, "<new>", chapters("first"), HERD, {})
    assert (tmp_path / "book.html").read_text() == "<old>"


def _full(_: int) -> None:
    raise OSError(28, "No space left on device")
