"""What is rated is there, once, with its history; what cannot be a rating is refused."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.rating.store import Holding, Rater, Refused, Store
from tests.rating import rated, small
from tests.rating.rated import event

STUDY = small.study()
ITEM, TARGETS = STUDY.items[0], STUDY.items[0].targets


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return rated.new(tmp_path, STUDY)


@pytest.mark.parametrize("sheet", ["responses", "pairs", "hallucination", "preference"])
def test_a_file_holds_its_study(sheet: str, tmp_path: Path) -> None:
    study = small.study(sheet, overlap=0.4, items_per_rater=3, raters=2)
    with rated.new(tmp_path, study) as store:
        assert store.study == study
    with Store.open(tmp_path / "ratings.sqlite") as store:
        assert store.study == study
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.sqlite"]


def test_how_many_rate_how_much_may_be_said_anew(tmp_path: Path) -> None:
    rated.new(tmp_path, STUDY).close()
    more = small.study(overlap=1.0, raters_per_item=3)
    with Store.open(tmp_path / "ratings.sqlite", more) as store:
        assert store.study.overlap == 1.0 and store.study.raters_per_item == 3


def test_a_rating_is_there_and_a_repeated_post_is_known(store: Store) -> None:
    ann = store.join("Ann").id
    first = event(STUDY, ann, seconds=2.5, at=100.0, note="good\x00, really 🙂")
    assert store.rate(first)
    assert not store.rate(first)
    assert not store.rate(replace(first, at=200.0, seconds=3.0))  # sent again later
    assert store.current() == [first] == store.history(ann, first.target)
    with Store.open(store.path) as other:
        assert other.current() == [first]


def test_the_last_rating_stands_and_all_are_kept(store: Store) -> None:
    ann, ben = store.join("Ann").id, store.join("Ben").id
    said = [event(STUDY, ann, 0, level, at=float(at)) for at, level in enumerate("BAD", start=1)]
    other = event(STUDY, ben, 0, "C", at=1.5)
    for one in (*said, other):
        assert store.rate(one)
    assert store.current() == [said[2], other]
    assert store.current(ann) == [said[2]]
    assert store.history(ann, TARGETS[0].key) == said
    assert store.rate(event(STUDY, ann, 0, None, at=9.0))  # taken back
    assert store.current() == [other]
    assert [one.level for one in store.history(ann, TARGETS[0].key)] == ["B", "A", "D", None]


def test_a_clock_that_was_set_back_does_not_revive_an_old_rating(store: Store) -> None:
    ann = store.join("Ann").id
    for level, at in (("A", 1000.0), ("B", 10.0), ("C", 10.0)):
        store.rate(event(STUDY, ann, 0, level, at=at))
    assert [one.level for one in store.history(ann, TARGETS[0].key)] == ["A", "B", "C"]
    (now,) = store.current()
    assert now.level == "C" and now.at == pytest.approx(1000.0)


def test_without_a_time_it_is_now(store: Store) -> None:
    store.rate(event(STUDY, store.join("Ann").id))
    assert abs(store.current()[0].at - time.time()) < 60


def test_half_an_emoji_does_not_cost_the_rating(store: Store) -> None:
    ann = store.join("Ann").id
    store.rate(event(STUDY, ann, note="cut \ud83d"))
    store.rate(event(STUDY, ann, 1, note="whole \ud83d\ude42"))
    assert [one.note for one in store.current()] == ["cut \ufffd", "whole 🙂"]


def test_skipped_and_flagged_ones_stand_too(store: Store) -> None:
    ann = store.join("Ann").id
    skipped = event(STUDY, ann, 0, None, skipped=True, at=1.0)
    flagged = event(STUDY, ann, 1, None, flagged=True, at=2.0)
    for one in (skipped, flagged):
        store.rate(one)
    assert store.current() == [skipped, flagged]
    assert store.held()[ITEM.key][ann].rated == {TARGETS[0].key}


def test_who_holds_what(store: Store) -> None:
    ann, ben = store.join("Ann").id, store.join("Ben").id
    store.take(ann, ITEM.key, 50.0)
    assert store.held() == {ITEM.key: {ann: Holding(50.0, frozenset(), False)}}
    for place in range(3):
        store.rate(event(STUDY, ann, place, at=60.0 + place))
    store.rate(event(STUDY, ben, 3, at=70.0))  # never taken
    keys = frozenset(target.key for target in TARGETS)
    assert store.held() == {
        ITEM.key: {ann: Holding(62.0, keys, True)},
        STUDY.items[1].key: {ben: Holding(70.0, frozenset({STUDY.items[1].targets[0].key}), False)},
    }
    store.rate(event(STUDY, ann, 1, None, at=80.0))
    assert store.held()[ITEM.key][ann] == Holding(80.0, keys - {TARGETS[1].key}, False)


def test_the_same_name_is_the_same_rater_and_a_new_link_replaces_the_old(store: Store) -> None:
    ann = store.join("Ann", now=1.0)
    assert ann == Rater(1, "Ann", None, "person", 1.0)
    assert store.join("  Ann ", now=2.0) == ann
    assert store.join("Ann", "hash", now=3.0) == replace(ann, token_hash="hash")
    assert store.join("Ann", now=4.0) == store.join("Ann", "hash", now=5.0) == replace(ann, token_hash="hash")
    assert store.join("Ann", "new", now=6.0) == replace(ann, token_hash="new")
    judge = store.join("gpt", kind="judge", now=7.0)
    assert store.raters() == [replace(ann, token_hash="new"), judge] and judge.kind == "judge"
    assert store.join("Zoe\u0301").name == "Zo\u00e9"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("  ", "needs a name"),
        ("x" * 101, "101 characters"),
        ("a\x1b[2Jb", "control characters"),
        ("gpt", "judge"),
    ],
)
def test_names_that_are_none_are_refused(name: str, said: str, store: Store) -> None:
    store.join("gpt", kind="judge")
    with pytest.raises(Refused, match=said):
        store.join(name)
    assert len(store.raters()) == 1


def test_what_cannot_be_a_rating_is_refused(store: Store) -> None:
    ann, ben = store.join("Ann").id, store.join("Ben").id
    good = event(STUDY, ann, at=1.0)
    store.rate(good)
    for bad, said in (
        (event(STUDY, ann, 1, "E"), "level 'E' is none of A, B, C, D"),
        (event(STUDY, 99), "no rater 99"),
        (replace(event(STUDY, ann), target="t0"), "nothing to rate"),
        (replace(event(STUDY, ann), item=STUDY.items[1].key), "nothing to rate"),
        (event(STUDY, ann, id=""), "needs an id"),
        (event(STUDY, ann, seconds=float("nan")), "finite"),
        (replace(good, level="D"), f"another rating has the id {good.id}"),
        (replace(good, rater=ben), f"another rating has the id {good.id}"),
    ):
        with pytest.raises(Refused, match=said):
            store.rate(bad)
    with pytest.raises(Refused, match="no item i0"):
        store.take(ann, "i0", 1.0)
    with pytest.raises(Refused, match="no rater 99"):
        store.take(99, ITEM.key, 1.0)
    assert store.current() == [good]


def test_a_closed_study_takes_no_more_of_people(store: Store) -> None:
    ann, judge = store.join("Ann").id, store.join("gpt", kind="judge").id
    last = event(STUDY, ann)
    store.rate(last)
    assert store.closed() is None
    store.close_study(500.0)
    store.close_study(900.0)
    assert store.closed() == 500.0
    assert not store.rate(last)  # it was acknowledged, the answer was lost on the way
    with pytest.raises(Refused, match="the study is closed"):
        store.rate(event(STUDY, ann, 1))
    assert store.rate(event(STUDY, judge))


def test_two_who_ask_at_once_get_two_items(store: Store) -> None:
    ids = [store.join(f"rater {n}").id for n in range(5)]
    got, start = [], threading.Barrier(5)

    def ask(rater: int) -> None:
        start.wait()
        got.append(store.assign(rater, 1.0, lambda held: next(i for i in STUDY.items if i.key not in held)))

    threads = [threading.Thread(target=ask, args=(rater,)) for rater in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {item.key for item in got if item} == {item.key for item in STUDY.items}
    assert {key: len(holders) for key, holders in store.held().items()} == {i.key: 1 for i in STUDY.items}
    assert store.assign(ids[0], 2.0, lambda held: None) is None


def test_the_file_itself_keeps_history(store: Store) -> None:
    store.rate(event(STUDY, store.join("Ann").id))
    store.close()
    with sqlite3.connect(store.path) as connection:
        for statement in ("UPDATE events SET level = 'D'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="history stays"):
                connection.execute(statement)
    connection.close()


def test_a_mistake_inside_a_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writing() as connection:
        connection.execute("INSERT INTO closings VALUES (1.0)")
        raise ZeroDivisionError
    assert store.closed() is None
    store.close_study(2.0)
    assert store.closed() == 2.0


def test_refused_is_an_error_of_users() -> None:
    assert issubclass(Refused, UserError)
