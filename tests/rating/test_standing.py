"""What is kept up event by event is what a look at all events gives, whenever one looks."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.rating import rows
from lamini.rating.kept import load, save
from lamini.rating.records import Event, Holding
from lamini.rating.standing import Standing
from lamini.rating.study import Item, Study, Target, sealed
from tests.rating import rated, small

STUDY = small.study(items=2)
TEXT = st.text(max_size=12)
SAID = st.tuples(
    st.integers(1, 2), st.integers(0, 5), st.sampled_from([None, "A", "D"]), st.booleans(), st.booleans(),
    st.sampled_from(["", "note"]), st.integers(1, 6),
)  # fmt: skip


@settings(deadline=None)
@given(steps=st.lists(st.one_of(SAID, st.just("look"), st.tuples(st.integers(1, 2), st.integers(0, 1)))))
def test_standing_is_what_all_events_say(steps: list[Any]) -> None:
    connection, standing = rated.memory(STUDY), Standing(STUDY)
    events: list[Event] = []
    takes: list[tuple[int, str, float]] = []
    for name in ("Ann", "Ben"):
        rows.add_join(connection, name, "person", 0.0, "")
    for number, step in enumerate([*steps, "look"]):
        if step == "look":
            standing.update(connection)
            assert standing.current() == current(events)
            assert standing.current(1) == [one for one in current(events) if one.rater == 1]
            assert standing.held() == held(events, takes)
        elif len(step) == 2:
            takes.append((step[0], STUDY.items[step[1]].key, float(number % 7)))
            rows.add_take(connection, *takes[-1])
        else:
            rater, place, level, skipped, flagged, note, at = step
            said = {"skipped": skipped, "flagged": flagged, "note": note, "at": float(at)}
            events.append(rated.event(STUDY, rater, place, level, id=f"{number:03}", **said))
            rows.add_event(connection, events[-1])


def last(events: list[Event]) -> dict[tuple[int, str], Event]:
    ordered = sorted(events, key=lambda one: (one.at, one.id))
    return {(one.rater, one.target): one for one in ordered}


def current(events: list[Event]) -> list[Event]:
    found = last(events)
    return [
        found[rater, target.key]
        for _, target in rated.places(STUDY)
        for rater in (1, 2)
        if (rater, target.key) in found
        and (found[rater, target.key].level or found[rater, target.key].skipped
             or found[rater, target.key].flagged or found[rater, target.key].note)
    ]  # fmt: skip


def held(events: list[Event], takes: list[tuple[int, str, float]]) -> dict[str, dict[int, Holding]]:
    times = [(one.item, one.rater, one.at) for one in events] + [
        (item, rater, at) for rater, item, at in takes
    ]
    found: dict[str, dict[int, Holding]] = {}
    for item in STUDY.items:
        for rater in {who for key, who, _ in times if key == item.key}:
            taken = max(at for key, who, at in times if (key, who) == (item.key, rater))
            rated_by = frozenset(
                one.target
                for one in last(events).values()
                if (one.item, one.rater) == (item.key, rater) and (one.level or one.skipped)
            )
            found.setdefault(item.key, {})[rater] = Holding(
                taken, rated_by, len(rated_by) == len(item.targets)
            )
    return found


@settings(deadline=None)
@given(texts=st.lists(TEXT, min_size=6, max_size=6), ids=st.lists(TEXT, min_size=1, max_size=3, unique=True))
def test_a_study_comes_back_as_it_was(texts: list[str], ids: list[str]) -> None:
    targets = (
        Target("", "pair", (texts[0], texts[1]), (texts[2], texts[3])),
        Target("", "response", ("",), ("x",)),
    )
    items = [Item("", id, texts[4], texts[5], targets) for id in ids]
    study: Study = sealed("preference", small.PREFERENCE, items, overlap=0.25, items_per_rater=3)
    connection = rated.memory(STUDY)
    for table in ("study", "targets", "items"):
        connection.execute(f"DELETE FROM {table}")
    save(connection, study)
    assert load(connection) == study
