"""The data sets of the oracle: deterministic, disjoint, faulty only where asked."""

from collections import Counter

import pytest

from lamini.errors import UserError
from lamini.teacher.oracle import KINDS, Oracle, Row, generate, is_right
from lamini.teacher.oracle.generation import MOST_PER_KIND, PHRASINGS_PER_INSTANCE, is_held_out
from lamini.teacher.oracle.kinds import SOURCES

AXES = ("new_instances", "new_phrasings", "unseen_kinds")


@pytest.fixture(scope="module")
def data() -> dict[str, list[Row]]:
    return generate(6000, 500, seed=0)


def test_sizes_and_determinism(data: dict[str, list[Row]]) -> None:
    assert {axis: len(rows) for axis, rows in data.items()} == {
        "train": 6000,
        "new_instances": 500,
        "new_phrasings": 500,
        "unseen_kinds": 500,
    }
    assert generate(6000, 500, seed=0) == data
    other = generate(6000, 500, seed=1)
    assert all(other[axis] != data[axis] for axis in data)


def test_instructions_are_distinct_within_and_between_axes(data: dict[str, list[Row]]) -> None:
    for rows in data.values():
        assert len({row.instruction for row in rows}) == len(rows)
    trained = {row.instruction for row in data["train"]}
    for axis in AXES:
        assert not trained & {row.instruction for row in data[axis]}


def test_held_out_instances_phrasings_and_kinds_are_never_trained(
    data: dict[str, list[Row]],
) -> None:
    train = data["train"]
    instances = {(row.kind, row.instance) for row in train}
    phrasings = {(row.kind, row.phrasing) for row in train}
    kinds = {row.kind for row in train}
    assert kinds == {name for name, kind in KINDS.items() if not kind.unseen}
    for axis in ("new_instances", "new_phrasings"):
        assert not instances & {(row.kind, row.instance) for row in data[axis]}
        assert {row.kind for row in data[axis]} <= kinds
    assert {(row.kind, row.phrasing) for row in data["new_instances"]} <= phrasings
    assert not phrasings & {(row.kind, row.phrasing) for row in data["new_phrasings"]}
    assert not kinds & {row.kind for row in data["unseen_kinds"]}
    assert len({row.kind for row in data["unseen_kinds"]}) >= 4


def test_the_split_is_one_of_content_so_that_no_other_seed_leaks(
    data: dict[str, list[Row]],
) -> None:
    other = generate(3000, 0, seed=99, sources=["alpaca", "original_p3"])["train"]
    held = {(r.kind, r.instance) for axis in AXES[:2] for r in data[axis]}
    assert not held & {(row.kind, row.instance) for row in other}
    share = sum(is_held_out("addition", {"a": str(a), "b": "1"}) for a in range(4000)) / 4000
    assert share == pytest.approx(1 / 8, abs=0.02)


def test_instances_repeat_within_bounds(data: dict[str, list[Row]]) -> None:
    uses = Counter((row.kind, row.instance) for row in data["train"])
    assert max(uses.values()) == PHRASINGS_PER_INSTANCE


def test_answers_are_the_oracles(data: dict[str, list[Row]]) -> None:
    oracle = Oracle()
    for rows in data.values():
        for row in rows:
            assert row.fault == ""
            assert oracle.answer(row.instruction) == row.response
            assert is_right(row.kind, row.instruction, row.response)


def test_weak_labels_stay_rare(data: dict[str, list[Row]]) -> None:
    train = data["train"]
    labels = Counter(row.response for row in train)
    weak = sum(labels[label] for label in ("yes", "no", "maybe", "positive", "negative"))
    assert weak / len(train) < 0.2
    assert labels.most_common(1)[0][1] / len(train) < 0.06


@pytest.mark.parametrize("rate", [0.1, 0.333, 1.0])
def test_faults_are_as_many_as_declared_and_marked(rate: float) -> None:
    clean = generate(1500, 50, seed=0)
    data = generate(1500, 50, seed=0, fault_rate=rate)
    assert data == generate(1500, 50, seed=0, fault_rate=rate)
    faulty = [row for row in data["train"] if row.fault]
    assert len(faulty) == round(rate * 1500)
    assert {row.fault for row in faulty} == {"wrong", "wordy", "malformed"}
    for row, original in zip(data["train"], clean["train"], strict=True):
        assert row.instruction == original.instruction
        assert (row.response == original.response) == (row.fault == "")
        if row.fault in ("wrong", "malformed"):
            assert not is_right(row.kind, row.instruction, row.response)
        if row.fault == "wordy":
            assert original.response in row.response
            assert len(row.response.split()) >= len(original.response.split()) + 6
    assert all(data[axis] == clean[axis] for axis in AXES)


def test_sources_filter_rows_and_kinds() -> None:
    for source in SOURCES:
        rows = generate(300, 0, seed=0, sources=[source])["train"]
        assert {row.instruction_source for row in rows} == {source}
        assert all(source in KINDS[row.kind].sources for row in rows)
    rows = generate(3000, 0, seed=0)["train"]
    assert {row.instruction_source for row in rows} == set(SOURCES)


def test_nothing_asked_gives_nothing() -> None:
    assert generate(0, 0, seed=0) == {axis: [] for axis in ("train", *AXES)}


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_fault_rate_outside_the_unit_interval_is_refused(rate: float) -> None:
    with pytest.raises(UserError, match="fault_rate"):
        generate(10, 1, seed=0, fault_rate=rate)


def test_unknown_sources_are_refused_with_the_seven_named() -> None:
    with pytest.raises(UserError, match="wikipedia") as caught:
        generate(10, 1, seed=0, sources=["alpaca", "wikipedia"])
    assert all(source in str(caught.value) for source in SOURCES)
    with pytest.raises(UserError, match="sources"):
        generate(10, 1, seed=0, sources=[])


def test_more_pairs_than_can_be_had_are_refused_with_the_number() -> None:
    most = MOST_PER_KIND * sum(not kind.unseen for kind in KINDS.values())
    with pytest.raises(UserError, match=f"at most {most}"):
        generate(10**9, 0, seed=0)
    with pytest.raises(UserError, match="negative"):
        generate(-1, 0, seed=0)


def test_a_source_whose_unseen_kinds_run_dry_says_how_many_there_are() -> None:
    with pytest.raises(UserError, match=r"unseen_kinds, .* give only \d+"):
        generate(10, 10, seed=0, sources=["original_flan"])
