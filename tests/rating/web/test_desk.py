"""One rater between study and store: the next item, one's own items, and what is left."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from lamini.rating.store import Event, Rater, Store
from lamini.rating.web.desk import Desk, Own, Progress
from tests.rating.small import study


def desk(tmp_path: Path, items: int = 6, **told: Any) -> Desk:
    return Desk(Store.create(tmp_path / "r.sqlite", study(items=items, **told)))


def finish(at: Desk, rater: Rater, item: str, seconds: float = 10.0) -> None:
    for target in at.items[item].targets:
        event = Event(f"{rater.id}-{target.key}", rater.id, item, target.key, "A", seconds=seconds)
        assert at.store.rate(event)


def test_an_item_stays_until_it_is_finished_and_no_one_gets_it_twice(tmp_path: Path) -> None:
    at = desk(tmp_path, items=3)
    ann = at.store.join("Ann")
    seen = []
    while item := at.next(ann):
        assert at.next(ann) == item
        seen.append(item.key)
        finish(at, ann, item.key)
    assert sorted(seen) == sorted(at.items) and at.own(ann) == [Own(key, True) for key in seen]


def test_raters_who_ask_at_once_get_different_items(tmp_path: Path) -> None:
    at = desk(tmp_path, items=8)
    raters = [at.store.join(f"rater {number}") for number in range(8)]
    got: list[str] = []

    def ask(rater: Rater) -> None:
        item = at.next(rater)
        assert item is not None
        got.append(item.key)

    threads = [threading.Thread(target=ask, args=(rater,)) for rater in raters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(at.items)


def test_what_a_judge_has_done_is_still_to_be_done_and_a_judge_cannot_come_in(tmp_path: Path) -> None:
    at = desk(tmp_path, items=1)
    judge = at.store.join("model", kind="judge")
    finish(at, judge, next(iter(at.items)))
    ann = at.store.join("Ann")
    assert at.next(ann) is not None
    assert at.rater(judge.id) is None and at.rater(99) is None and at.rater(ann.id) == ann
    assert at.progress(ann).share == 1


def test_owning(tmp_path: Path) -> None:
    at = desk(tmp_path)
    ann, bob = at.store.join("Ann"), at.store.join("Bob")
    item = at.next(ann)
    assert item is not None
    again = Desk(at.store)
    assert again.owns(ann, item.key) and not again.owns(bob, item.key) and not again.owns(ann, "i0")


def test_progress_by_ones_own_median(tmp_path: Path) -> None:
    at = desk(tmp_path, items=6, items_per_rater=5)
    ann = at.store.join("Ann")
    assert at.progress(ann) == Progress(0, 5, None)
    for seconds in (10.0, 20.0, 3000.0):  # the third with a long pause
        item = at.next(ann)
        assert item is not None
        finish(at, ann, item.key, seconds)
    assert at.progress(ann) == Progress(3, 5, 2 * 3 * 20.0)


@pytest.mark.parametrize(
    ("told", "share"),
    [
        ({}, 6),
        ({"raters": 3}, 2),
        ({"raters": 4}, 2),
        ({"raters": 3, "overlap": 1.0}, 4),
        ({"items_per_rater": 20}, 6),
    ],
)
def test_the_share_that_one_may_expect(tmp_path: Path, told: dict[str, Any], share: int) -> None:
    at = desk(tmp_path, items=6, **told)
    assert at.progress(at.store.join("Ann")).share == share


def test_what_others_hold_is_not_in_ones_share(tmp_path: Path) -> None:
    at = desk(tmp_path, items=6)
    ann, bob = at.store.join("Ann"), at.store.join("Bob")
    at.next(bob)
    assert at.progress(ann).share == 5


def test_time_left_in_words() -> None:
    assert Progress(1, 9, None).said == ""
    assert Progress(9, 9, 0.0).said == ""
    assert Progress(1, 9, 7 * 60.0).said == "about 7 minutes left"
    assert Progress(1, 99, 7200.0).said == "about 2 hours left"


def test_names_in_large_or_small_letters_are_one(tmp_path: Path) -> None:
    at = desk(tmp_path)
    ann = at.store.join("Ann")
    assert at.of_name("ann") == ann and at.of_name("Ann") == ann and at.of_name("Anna") is None
