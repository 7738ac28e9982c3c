"""Tables of the page: values, what is sorted by, marks and what they mean."""

from __future__ import annotations

from lamini.analysis.tables import Column, Table
from lamini.comparison.blocks import Listing, Mark
from lamini.comparison.book.listing import listing
from lamini.comparison.book.prose import phrase, prose

COLUMNS = [Column("student"), Column("mean", ".1f"), Column("pairs", ",d"), Column("note")]
ROWS = [["a", 51.26, 2580000, "x"], ["b,seed=1", None, 7, ""], ["c", 1.0, None, "y"]]


def made(**how: object) -> Listing:
    return Listing(Table("t", "Title", COLUMNS, ROWS, ["*note*"]), **how)  # type: ignore[arg-type]


def test_values_are_rounded_for_people_and_exact_for_sorting() -> None:
    shown = listing(made(), {})
    assert [value.text for value in shown.lines[0].values] == ["a", "51.3", "2,580,000", "x"]
    assert [value.exact for value in shown.lines[0].values] == ["", "51.26", "2580000", ""]
    assert [value.exact for value in shown.lines[1].values] == ["", "", "", ""], "7 is 7, and None is nothing"
    assert [value.number for value in shown.lines[1].values] == [False, True, True, False]
    assert shown.notes == ["<em>note</em>"]


def test_rows_name_their_members_and_family() -> None:
    shown = listing(made(rows=["a", "b,seed=1\nb,seed=2", ""]), {"a": 3, "b,seed=1": 1, "b,seed=2": 1})
    assert [line.members for line in shown.lines] == ["a", "b%2Cseed%3D1 b%2Cseed%3D2", ""]
    assert [line.family for line in shown.lines] == [3, 1, None]
    mixed = listing(made(rows=["a\nb", "", ""]), {"a": 0, "b": 1})
    assert mixed.lines[0].family is None, "no dot where families differ"


def test_meanings_stand_below_once_and_many_are_folded() -> None:
    marks = {
        (0, 1): Mark("*", "one"),
        (1, 1): Mark("*", "one"),
        (2, 1): Mark("*", "two"),
        (0, 0): Mark("s", "x"),
    }
    shown = listing(made(marks=marks), {})
    assert [(one.sign, one.meanings, one.many) for one in shown.meanings] == [
        ("s", ["x"], False),
        ("*", ["one", "two"], False),
    ]
    many = {(n % 3, n // 3): Mark("c", f"{n} items") for n in range(5)}
    assert listing(made(marks=many), {}).meanings[0].many


def test_prose_has_no_raw_html_no_pictures_and_low_headings() -> None:
    html = prose("# Head\n\n<b>x</b> ![p](http://e.example/p.png) [l](https://e.example) [j](javascript:x)")
    assert "<h4>Head</h4>" in html and "<b>" not in html and "<img" not in html
    assert '<a href="https://e.example" rel="noreferrer">l</a>' in html and 'href="javascript' not in html
    assert phrase("a *b*") == "a <em>b</em>"
