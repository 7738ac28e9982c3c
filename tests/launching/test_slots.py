"""The arithmetic of slots: nobody gets more than there is, and everybody gets a turn."""

from __future__ import annotations

import heapq
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.launching.machine import Gpu, Machine, gpu_places, host_place
from lamini.launching.slots import ALONE, Place, Slots

BYTES = st.one_of(st.integers(1, 100).map(float), st.just(ALONE))
PLACES = st.lists(
    st.tuples(st.one_of(st.integers(1, 80).map(float), st.just(math.inf)), st.integers(1, 4)),
    min_size=1, max_size=4,
)  # fmt: skip
JOBS = st.lists(st.tuples(BYTES, st.integers(1, 9)), max_size=20)  # bytes, how long it runs


def run(slots: Slots, jobs: list[tuple[float, int]]) -> list[tuple[int, str]]:
    """The jobs in their order, as the pool starts them: (job, place) in the order of their starts."""
    clock, running, started = 0, list[tuple[int, int, float, Place]](), []
    for number, (needed, seconds) in enumerate(jobs):
        while (place := slots.place(needed)) is None:
            clock, _, held, left = heapq.heappop(running)
            slots.leave(left, held)
        for one in slots.places:
            assert len(one.held) <= one.most
            assert sum(one.held) <= one.room or len(one.held) == 1
            assert ALONE not in one.held or len(one.held) == 1
        started.append((number, place.name))
        heapq.heappush(running, (clock + seconds, number, needed, place))
    for _, _, held, left in running:
        slots.leave(left, held)
    return started


@given(PLACES, JOBS)
def test_no_place_holds_more_than_it_has_and_every_job_runs_once_in_order(
    places: list[tuple[float, int]], jobs: list[tuple[float, int]]
) -> None:
    slots = Slots([Place(str(n), room, most) for n, (room, most) in enumerate(places)])
    assert [number for number, _ in run(slots, jobs)] == list(range(len(jobs)))
    assert all(not place.held for place in slots.places)
    assert slots.most == sum(most for _, most in places)


@given(PLACES, JOBS)
def test_a_job_that_some_place_can_hold_never_runs_where_it_does_not_fit(
    places: list[tuple[float, int]], jobs: list[tuple[float, int]]
) -> None:
    rooms = {str(n): room for n, (room, _) in enumerate(places)}
    slots = Slots([Place(str(n), room, most) for n, (room, most) in enumerate(places)])
    for number, name in run(slots, jobs):
        needed = jobs[number][0]
        assert needed <= rooms[name] or rooms[name] == max(rooms.values()) < needed


def test_a_big_student_has_a_gpu_to_itself_and_small_ones_share() -> None:
    slots = Slots([Place("a", 80, 3), Place("b", 80, 3)])
    names = [place.name if (place := slots.place(needed)) else None for needed in (70, 20, 20, 20, 5)]
    assert names == ["a", "b", "b", "b", "a"]
    assert slots.place(20) is None  # b has three students, a has 5 left


MACHINE = Machine((Gpu("H100 0", 80, "GPU-x"), Gpu("H100 1", 40, "GPU-y"), Gpu("H100 2", 80, "5")), 16, 8)


def test_places_are_the_gpus_that_were_chosen() -> None:
    chosen = gpu_places(MACHINE, [0, 2], 3)
    assert [(place.room, place.most, place.visible) for place in chosen] == [(80, 3, "GPU-x"), (80, 3, "5")]
    assert [place.most for place in gpu_places(MACHINE, None, None)] == [2, 2, 2]  # a core each
    assert host_place(MACHINE, 4).room == 16
    assert host_place(Machine((), None, 8), 4).room == math.inf


def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match=r"gpus=\[0, 3\]: there is no GPU 3; torch sees 3, numbered from 0"):
        gpu_places(MACHINE, [0, 3], None)
