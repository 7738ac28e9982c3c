"""Files of one study merge in any order, as often as one likes, and never mix up two people."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.rating import rows
from lamini.rating.carried import add, packed
from lamini.rating.merging import merge
from lamini.rating.store import Store
from tests.rating import rated, small
from tests.rating.rated import event, held_in, new

STUDY = small.study(items=2)
NAMES = ("Ann", "Ben", "gpt")
KINDS = {"Ann": "person", "Ben": "person", "gpt": "judge"}
# What machines may come to hold: joins, takes and events, each of which several of them may have.
JOINS = st.tuples(st.just("join"), st.sampled_from(NAMES), st.integers(1, 3), st.sampled_from(["", "h"]))
TAKES = st.tuples(st.just("take"), st.sampled_from(NAMES), st.integers(0, 1), st.integers(1, 3))
EVENTS = st.tuples(
    st.just("event"), st.sampled_from(NAMES), st.integers(0, 5), st.sampled_from([None, "A", "D"]),
    st.integers(1, 3), st.integers(0, 5),
)  # fmt: skip
POOL = st.lists(
    JOINS | TAKES | EVENTS, max_size=14, unique_by=lambda one: one if one[0] != "event" else one[5]
)


def machine(pool: list[Any], mine: list[bool]) -> sqlite3.Connection:
    """A file with those of the pool that are marked."""
    connection = rated.memory(STUDY)
    for one, wanted in zip(pool, mine, strict=True):
        if not wanted:
            continue
        kind, name, *rest = one
        rater = rows.add_join(connection, name, KINDS[name], 9.0, "")
        if kind == "join":
            rows.add_join(connection, name, KINDS[name], float(rest[0]), rest[1])
        elif kind == "take":
            rows.add_take(connection, rater, STUDY.items[rest[0]].key, float(rest[1]))
        else:
            place, level, at, id = rest
            rows.add_event(connection, event(STUDY, rater, place, level, id=f"e{id}", at=float(at)))
    return connection


@settings(deadline=None)
@given(data=st.data(), pool=POOL)
def test_merging_is_a_union(data: st.DataObject, pool: list[Any]) -> None:
    marks = st.lists(st.booleans(), min_size=len(pool), max_size=len(pool))
    chosen = [data.draw(marks) for _ in range(3)]
    outcomes = []
    for order in permutations(range(3)):
        first, *others = (machine(pool, chosen[number]) for number in order)
        for other in others:
            add(first, packed(other), "other")
        outcomes.append(rated.content(first))
        for other in others:
            assert add(first, packed(other), "other") == 0  # again
        assert add(first, packed(first), "itself") == 0
        assert rated.content(first) == outcomes[-1]
    assert all(outcome == outcomes[0] for outcome in outcomes)
    everything = machine(pool, [any(marked) for marked in zip(*chosen, strict=True)] if pool else [])
    assert outcomes[0] == rated.content(everything)


def test_a_second_machine_is_taken_in(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with new(tmp_path, STUDY) as here, new(tmp_path / "other", STUDY) as there:
        here.join("Zoe", now=1.0)
        ann_here, ann_there = here.join("Ann", now=5.0).id, there.join("Ann", now=2.0).id
        ben = there.join("Ben", "hash", now=3.0).id
        assert ann_here != ann_there
        here.rate(event(STUDY, ann_here, 0, "A", at=10.0))
        there.rate(event(STUDY, ann_there, 0, "B", at=20.0))
        there.rate(event(STUDY, ben, 1, "C", at=21.0, note="why"))
        there.take(ben, STUDY.items[1].key, 22.0)
        there.close_study(30.0)
        assert [one.level for one in here.current()] == ["A"]
        assert merge(here, there.path) == 2  # while it is open there
        assert merge(here, there.path) == 0
        assert merge(here, here.path) == 0
        assert [(one.name, one.joined, one.token_hash) for one in here.raters()] == [
            ("Zoe", 1.0, None), ("Ann", 2.0, None), ("Ben", 3.0, "hash"),
        ]  # fmt: skip
        assert [(one.rater, one.level) for one in here.current()] == [(ann_here, "B"), (3, "C")]
        assert [one.level for one in here.history(ann_here, rated.places(STUDY)[0][1].key)] == ["A", "B"]
        assert 3 in here.held()[STUDY.items[1].key]
        assert here.closed() is None
        assert merge(there, here.path) == 1
        assert held_in(here) == held_in(there)


@pytest.mark.parametrize(
    ("ours", "theirs", "one_person"),
    [
        ([None], [None], True),
        (["a"], ["a"], True),
        (["a", "b"], ["c", "a"], True),  # a copy, and then new links here and there
        (["a"], ["b"], False),
        ([None], ["b"], False),
        (["a"], [None], False),
    ],
)
def test_one_name_is_one_person_only_with_one_link(
    ours: list[str | None], theirs: list[str | None], one_person: bool, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with new(tmp_path, STUDY) as here, new(tmp_path / "other", STUDY) as there:
        for store, links in ((here, ours), (there, theirs)):
            for number, link in enumerate(links):
                rater = store.join("Ann", link, now=float(number + 1)).id
            store.rate(event(STUDY, rater))
        there.rate(event(STUDY, there.join("Ben").id))
        before = held_in(here)
        if one_person:
            assert merge(here, there.path) == 2 and len(here.raters()) == 2
        else:
            with pytest.raises(
                UserError, match="its Ann came by another link than Ann in .*export it"
            ) as error:
                merge(here, there.path)
            assert str(there.path) in str(error.value)
            assert held_in(here) == before


def test_a_rating_that_was_changed_by_hand_stops_the_merge(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with new(tmp_path, STUDY) as here, new(tmp_path / "other", STUDY) as there:
        for store in (here, there):
            store.join("Ann", now=1.0)
        one = event(STUDY, 1, 0, "A", id="x", at=1.0)
        here.rate(one)
        there.rate(event(STUDY, 1, 1, "B", at=0.5))
        there.rate(replace(one, level="D"))
        before = held_in(here)
        with pytest.raises(UserError, match=r"rating x \(Ann, level D\) is another one here \(level A\)"):
            merge(here, there.path)
        assert held_in(here) == before


def test_a_judge_and_a_person_of_one_name_are_two(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with new(tmp_path, STUDY) as here, new(tmp_path / "other", STUDY) as there:
        here.join("gpt")
        there.join("gpt", kind="judge")
        with pytest.raises(UserError, match="gpt is a judge there and a person here; rename one of them"):
            merge(here, there.path)


def test_what_is_no_file_of_the_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text " * 200)
    with new(tmp_path, STUDY) as here:
        new(tmp_path, small.study("pairs"), "pairs.sqlite").close()
        for name, said in (
            ("text", "no SQLite file"),
            ("none", "does not exist"),
            ("pairs.sqlite", "another study"),
        ):
            with pytest.raises(UserError, match=said):
                merge(here, tmp_path / name)


def test_the_other_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with new(tmp_path / "other", STUDY) as there:
        there.rate(event(STUDY, there.join("Ann").id))
    before = there.path.read_bytes()
    with new(tmp_path, STUDY) as here:
        assert merge(here, there.path) == 1
    assert there.path.read_bytes() == before
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["ratings.sqlite"]
    with Store.open(here.path) as again:
        assert len(again.current()) == 1
