"""What tables of rows share: whole columns without values go, names of users stay text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.analysis.tables import Column, Table
from lamini.comparison import cells
from lamini.comparison.blocks import Listing, Mark
from lamini.comparison.book.prose import phrase


def test_an_empty_column_goes_and_marks_move_with_theirs() -> None:
    columns = [Column("a"), Column("b", ".1f"), Column("c", ".1f"), Column("d", ".1f")]
    whole = Listing(
        Table("t", "T", columns, [["x", None, 1.0, None], ["y", None, None, None]]),
        {(0, 1): Mark("!", "gone"), (0, 2): Mark("*", "stays")},
    )
    found = cells.slim(whole, ["b", "c"])
    assert [column.name for column in found.table.columns] == ["a", "c", "d"]  # d is empty, but not optional
    assert found.table.rows == [["x", 1.0, None], ["y", None, None]]
    assert dict(found.marks) == {(0, 1): Mark("*", "stays")}


def test_marks_of_one_cell_are_one() -> None:
    found = cells.joined(
        [((0, 1), Mark("≈", "a guess")), ((0, 1), Mark("†", "seen")), ((1, 1), Mark("†", "seen"))]
    )
    assert found == {(0, 1): Mark("≈ †", "a guess; seen"), (1, 1): Mark("†", "seen")}


@given(st.text(min_size=1))
def test_a_users_name_is_no_markdown(name: str) -> None:
    html = str(phrase(cells.code(f"x{name}")))
    assert html.startswith("<code>") and html.count("<") == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [(("evaluation", "nlp15,limit=8"), "evaluation_nlp15_limit_8"), (("size", "../a b/<c>"), "size_a_b_c")],
)
def test_names_of_files_hold_nothing_that_a_path_could_be(words: tuple[str, ...], told: str) -> None:
    assert cells.slug(*words) == told
