"""Means over different tasks never share a group: tasks, versions, rows, limit, wrapper rule, what judged."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.comparison.comparable import Group, groups
from lamini.comparison.herd import Kind, Member
from lamini.comparison.published import members


def member(key: str, tasks: dict[str, str], trained: str = "bare", **tree: Any) -> Member:
    """A run with a key for each task."""
    entries = {name: {"key": told, "version": "1"} for name, told in tasks.items()}
    suite = {"tasks": entries, "limit": None, "wrapper": trained, "versions": {"lm_eval": "0.4.13"}, **tree}
    return Member(key, Kind.run, Path(key), {}, {"family": {"wrapper": trained}}, {"s": suite})


FULL = {"a": "a1", "b": "b1"}


def named(found: list[Group]) -> list[tuple[list[str], str]]:
    return [([one.key for one in group.members], group.reason) for group in found]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (member("z", {"a": "a1"}), "lacks b"),
        (member("z", {**FULL, "c": "c1"}, limit=9), "has c besides, only the first 9 rows of each task"),
        (member("z", {"a": "a1", "b": "b2"}), "other versions or rows of b"),
        (member("z", FULL, limit=100), "only the first 100 rows of each task"),
        (member("z", FULL, trained="bare", wrapper="alpaca"), "asked in the wrapper alpaca"),
        (member("z", FULL, versions={"lm_eval": "0.5"}), "scored by lm-eval 0.5, scoring None"),
    ],
)
def test_whoever_differs_stands_apart_with_the_reason(other: Member, reason: str) -> None:
    found = groups([other, member("x", FULL), member("y", FULL)], "s")
    assert named(found) == [(["x", "y"], ""), (["z"], reason)]


def test_each_in_the_wrapper_it_was_trained_with_is_one_rule() -> None:
    found = groups([member("t5", FULL), member("gpt2", FULL, trained="alpaca")], "s")
    assert named(found) == [(["t5", "gpt2"], "")]


def test_the_paper_is_a_group_of_its_own() -> None:
    ours = {
        "nlp15": {
            "tasks": {name: {"key": "1", "version": "1"} for name in members()[0].suites["nlp15"]["tasks"]}
        }
    }
    found = groups([*members(), Member("x", Kind.model, Path("x"), {}, suites=ours)], "nlp15")
    assert [len(group.members) for group in found] == [1, 35]
    assert found[1].reason == "the paper's numbers, of an lm-eval of April 2023"


def test_who_has_no_results_is_in_no_group() -> None:
    assert groups([Member("x", Kind.run, Path("x"), {})], "s") == []


@given(st.lists(st.sets(st.sampled_from("abcd"), min_size=1), min_size=1, max_size=8))
def test_a_group_has_one_set_of_tasks_and_everybody_one_group(sets: list[set[str]]) -> None:
    everybody = [member(str(n), {name: name for name in own}) for n, own in enumerate(sets)]
    found = groups(everybody, "s")
    assert sorted(one.key for group in found for one in group.members) == sorted(m.key for m in everybody)
    for group in found:
        assert all(set(one.suites["s"]["tasks"]) == set(group.tasks) for one in group.members)
    assert all(set(a.tasks) != set(b.tasks) for a, b in itertools.combinations(found, 2))
    assert [bool(group.reason) for group in found] == [False] + [True] * (len(found) - 1)
