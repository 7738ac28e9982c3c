"""Names: which member is meant, what a figure can hold, what a line may name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.comparison import names
from lamini.comparison.herd import Herd, Kind
from tests.comparison.made import run


def test_a_key_goes_before_a_student() -> None:
    one, other = run("t5-small"), replace(run("t5-small"), key="herd/t5-small,seed=2")
    herd = Herd([one, other])
    assert names.member_of(herd, "T5-Small") is one
    assert names.member_of(Herd([other]), "t5-small") is other
    assert names.member_of(herd, "gpt2-small") is None
    assert names.keys(herd, ["t5-small", "teacher"]) == ["t5-small", ""]


@settings(deadline=None)
@given(st.text())
def test_any_name_can_be_drawn(text: str) -> None:
    name = names.drawn(text)
    assert len(name) <= names.LONGEST and name == name.strip() and (not name or name.isprintable())
    assert names.drawn(name) == name
    name.encode("utf-8")


@settings(deadline=None)
@given(st.text())
def test_a_digest_is_digits(text: str) -> None:
    assert set(names.hexadecimal(text)) <= set("0123456789abcdef") and len(names.hexadecimal(text)) <= 16


def test_the_folders_of_a_herd() -> None:
    one = run("t5-small", Path("outputs/herd/t5-small"))
    other = replace(run("gpt2", Path("outputs/my bases/gpt2")), kind=Kind.model)
    assert names.folders(Herd([one, one])) == "outputs/herd"
    assert names.folders(Herd([one, other])) == "'[outputs/herd,outputs/my bases]'"
    assert names.folders(Herd([])) == "outputs/herd"


def test_scratch_students_are_marked() -> None:
    assert set(names.scratch([run("t5-a"), None, run("t5-b", init="scratch")])) == {(2, 0)}
