"""Split, limit, fingerprint and quarantine go by content."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini.data.corpus import (
    Corpus,
    Source,
    enforce,
    fingerprint,
    limited,
    quarantine,
    split,
)
from lamini.data.records import Pair, Rejected, instruction_hash, row_hash, table
from lamini.errors import UserError
from tests.data.toys import rows


def corpus(*tables, weight=1.0):
    return Corpus([Source(f"s{i}", t, weight) for i, t in enumerate(tables)])


def shuffled(t, seed=0):
    order = list(range(t.num_rows))
    random.Random(seed).shuffle(order)
    return t.take(order)


def instructions(t):
    return set(t["instruction"].to_pylist())


def test_limit_takes_the_lowest_hashes_whatever_the_order():
    t = rows(50)
    hashes = sorted(row_hash(r["instruction"], r["response"]) for r in t.to_pylist())
    kept = limited(shuffled(t), 10).to_pylist()
    assert sorted(row_hash(r["instruction"], r["response"]) for r in kept) == hashes[:10]
    assert instructions(limited(t, 10)) < instructions(limited(t, 20))
    assert limited(t, None).num_rows == limited(t, 99).num_rows == 50


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=40, max_size=80), st.integers(0, 5))
def test_no_instruction_is_on_both_sides_and_order_does_not_matter(numbers, seed):
    t = table(Pair(f"do {n}", f"{i}", "s") for i, n in enumerate(numbers))
    if len(set(numbers)) < 2:
        return
    train, validation = split(corpus(t, rows(30)), 0.2, 1000)
    again, same = split(corpus(shuffled(t, seed), rows(30)), 0.2, 1000)
    for source in train:
        assert not instructions(source.table) & instructions(validation)
    assert sum(s.table.num_rows for s in train) + validation.num_rows == len(numbers) + 30
    assert validation.to_pylist() == same.to_pylist()
    assert instructions(train[0].table) == instructions(again[0].table)


def test_a_pair_keeps_its_side_when_others_come():
    small, large = split(corpus(rows(200)), 0.1, 1000), split(corpus(rows(400)), 0.1, 1000)
    assert instructions(small[1]) <= instructions(large[1])
    assert instructions(small[0][0].table) <= instructions(large[0][0].table)


def test_share_is_met_and_rows_above_the_limit_are_in_neither():
    train, validation = split(corpus(rows(2000)), 0.1, 50)
    below = {i for i in instructions(rows(2000)) if instruction_hash(i) < 0.1 * 2**64}
    assert 150 < len(below) < 250
    assert validation.num_rows == 50
    assert train[0].table.num_rows == 2000 - len(below)
    lowest = sorted(instruction_hash(i) for i in below)[:50]
    assert [instruction_hash(i) for i in validation["instruction"].to_pylist()] == lowest


def test_tiny_data_validates_on_its_lowest_instruction():
    t = rows(20)
    train, validation = split(corpus(t), 0.001, 100)
    lowest = min(instructions(t), key=instruction_hash)
    assert validation["instruction"].to_pylist() == [lowest]
    assert train[0].table.num_rows == 19


def test_bad_splits():
    same = table([Pair("a", "b", "s"), Pair("a", "c", "s")])
    with pytest.raises(UserError, match="fewer than two different instructions"):
        split(corpus(same), 0.1, 10)
    with pytest.raises(UserError, match="validation.share=1.5"):
        split(corpus(rows(3)), 1.5, 10)
    with pytest.raises(UserError, match="leaves no pair to train on"):
        split(corpus(rows(3)), 0.9999999, 10)
    train, validation = split(corpus(same), 0.0, 10)
    assert (train[0].table.num_rows, validation.num_rows) == (2, 0)


def test_fingerprint_names_content_and_weights():
    name = fingerprint(corpus(rows(30), rows(5)).sources)
    assert len(name) == 16
    assert name == fingerprint(corpus(shuffled(rows(30)), rows(5)).sources)
    assert name == fingerprint(corpus(rows(30), rows(5)).sources[::-1])
    assert name != fingerprint(corpus(rows(31), rows(5)).sources)
    assert name != fingerprint(corpus(rows(30), rows(5), weight=2.0).sources)
    unused = Source("unused", rows(9), 0.0)
    assert name == fingerprint([*corpus(rows(30), rows(5)).sources, unused])
    twice = rows(30).take([*range(30), 0])
    assert name != fingerprint(corpus(twice, rows(5)).sources)


BAD = [Rejected("s", n, "empty response", f"zeile {n} ü") for n in range(3)]


def test_quarantine_keeps_reason_and_excerpt(tmp_path):
    path = quarantine(BAD, tmp_path / "new" / "folder")
    kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert kept[2] == {"source": "s", "line": 2, "reason": "empty response", "excerpt": "zeile 2 ü"}
    assert quarantine(BAD[:1], path.parent) == path
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_enforce_counts_reasons_and_names_the_file(tmp_path):
    enforce(BAD, 300, 0.01)
    enforce([], 0, 0.0)
    with pytest.raises(UserError, match="3 of 299 rows.*3 empty response.*=0.01.*q.jsonl"):
        enforce(BAD, 299, 0.01, tmp_path / "q.jsonl")


def test_pairs_by_source_count_the_passes_of_an_epoch():
    mixed = table([Pair("a", "b", "alpaca"), Pair("c", "d", "alpaca"), Pair("e", "f", "p3")])
    both = Corpus([Source("mine", mixed, 2.0), Source("more", mixed.slice(2), 0.5)])
    assert both.by_source() == {"alpaca": 4.0, "p3": 2.5}
    assert list(both.by_source()) == ["alpaca", "p3"]
