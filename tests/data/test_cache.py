"""Tokens are made once, keyed by content, and made again when damaged."""

from __future__ import annotations

import errno
import json
import threading

import numpy as np
import pytest

from lamini.data import cache
from lamini.data.cache import encode_table, key_of
from lamini.data.records import Pair, table
from lamini.data.tokens import TOO_LONG, Tokens
from lamini.errors import UserError
from tests.data.toys import phrase, rows, student


def folder_of(tmp_path):
    (folder,) = [path for path in (tmp_path / "tokens").iterdir() if path.is_dir()]
    return folder


def forbid(monkeypatch, toy):
    def encode(*_):
        raise AssertionError("tokenised again")

    monkeypatch.setattr(toy, "encode", encode)


def test_ids_lengths_and_rows(tmp_path):
    """Words w0, w1, … are ids 3, 4, …; the end is 1 on both sides."""
    pairs = table([Pair("w0 w1", "w2", "s"), Pair("w3", phrase(*range(9)), "s"), Pair("w4", "w5", "s")])
    tokens = encode_table(student(context=4), pairs, tmp_path)
    assert len(tokens) == 2
    assert tokens.prompt(0).tolist() == [3, 4, 1]
    assert tokens.response(0).tolist() == [5, 1]
    assert tokens.prompt(1).tolist() == [7, 1]
    assert tokens.response(1).tolist() == [8, 1]
    assert tokens.prompt_lengths_N.tolist() == [3, 2]
    assert tokens.response_lengths_N.tolist() == [2, 2]
    assert tokens.rows_N.tolist() == [0, 2]
    (bad,) = tokens.rejected
    assert (bad.source, bad.line, bad.reason) == ("s", 2, TOO_LONG)
    assert bad.excerpt.startswith("w3 => w0 w1")
    with pytest.raises(IndexError):
        tokens.prompt(2)


def test_cut_prompts_are_counted(tmp_path):
    pairs = table([Pair(phrase(*range(9)), "w2", "s"), Pair("w3", "w2", "s")])
    assert encode_table(student(context=4), pairs, tmp_path).truncated == 1


def test_the_second_time_nothing_is_tokenised(tmp_path, monkeypatch):
    toy = student()
    first = encode_table(toy, rows(30), tmp_path)
    forbid(monkeypatch, toy)
    again = encode_table(toy, rows(30), tmp_path)
    for row in range(30):
        assert first.prompt(row).tolist() == again.prompt(row).tolist()
        assert first.response(row).tolist() == again.response(row).tolist()
    assert isinstance(again.parts[0].ids, np.memmap)
    assert again.parts[0].ids.dtype == np.uint16


def test_large_vocabularies_need_wider_ids(tmp_path):
    tokens = encode_table(student(words=70_000), table([Pair("w69999", "w1", "s")]), tmp_path)
    assert tokens.prompt(0).tolist() == [70_002, 1]
    assert tokens.parts[0].ids.dtype == np.uint32


def test_batches_and_progress(tmp_path, monkeypatch):
    whole = encode_table(student(), rows(23), tmp_path / "whole")
    monkeypatch.setattr(cache, "BATCH", 5)
    seen = []
    parts = encode_table(
        student(), rows(23), tmp_path / "parts", lambda done, total: seen.append((done, total))
    )
    assert seen == [(5, 23), (10, 23), (15, 23), (20, 23), (23, 23)]
    np.testing.assert_array_equal(whole.parts[0].ids, parts.parts[0].ids)
    np.testing.assert_array_equal(whole.parts[0].offsets, parts.parts[0].offsets)


def test_key_changes_with_all_that_changes_the_ids(monkeypatch):
    keys = {
        key_of(student(), rows(5)),
        key_of(student(words=51), rows(5)),
        key_of(student(context=17), rows(5)),
        key_of(student(), rows(6)),
        key_of(student(), rows(5).take([1, 0, 2, 3, 4])),
    }
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    assert len(keys | {key_of(student(), rows(5))}) == 6


def test_key_does_not_change_with_earlier_calls_of_the_tokenizer():
    toy = student()
    before = key_of(toy, rows(5))
    toy.tokenizer(["w1 w2", "w1"], padding=True, truncation=True, max_length=2)
    assert key_of(toy, rows(5)) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "meta.json").write_text("{"),
        lambda folder: (folder / "meta.json").write_text('{"arrays": {}}'),
        lambda folder: (folder / "ids.npy").write_bytes((folder / "ids.npy").read_bytes()[:-4]),
        lambda folder: (folder / "offsets.npy").write_bytes(b""),
        lambda folder: np.save(folder / "rows.npy", np.arange(3)),
        lambda folder: (folder / "prompts.npy").unlink(),
    ],
)
def test_a_damaged_folder_is_built_again(tmp_path, damage):
    expected = encode_table(student(), rows(10), tmp_path).prompt(9).tolist()
    damage(folder_of(tmp_path))
    tokens = encode_table(student(), rows(10), tmp_path)
    assert len(tokens) == 10
    assert tokens.prompt(9).tolist() == expected
    assert json.loads((folder_of(tmp_path) / "meta.json").read_text())["rejected"] == 0


def test_a_killed_build_leaves_no_folder_and_its_remains_go(tmp_path, monkeypatch):
    toy = student()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(toy, "encode", killed)
        with pytest.raises(KeyboardInterrupt):
            encode_table(toy, rows(10), tmp_path)
    left = tmp_path / "tokens" / f"{key_of(toy, rows(10))}.building123"
    left.mkdir()
    assert len(encode_table(toy, rows(10), tmp_path)) == 10
    assert [path.name for path in (tmp_path / "tokens").iterdir() if path.is_dir()] == [key_of(toy, rows(10))]


def test_two_at_once_build_once(tmp_path, monkeypatch):
    toy, calls = student(), []
    encode = toy.encode
    monkeypatch.setattr(toy, "encode", lambda *texts: calls.append(1) or encode(*texts))
    threads = [threading.Thread(target=encode_table, args=(toy, rows(50), tmp_path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


@pytest.mark.parametrize("number, says", [(errno.ENOSPC, "is full"), (errno.EROFS, "cannot be written")])
def test_a_disk_that_cannot_take_it_is_named(tmp_path, monkeypatch, number, says):
    def fail(*_):
        raise OSError(number, "no")

    monkeypatch.setattr(cache.ArrayWriter, "append", fail)
    with pytest.raises(UserError, match=says) as caught:
        encode_table(student(), rows(5), tmp_path)
    assert str(tmp_path / "tokens") in str(caught.value)
    assert "paths.cache_dir" in str(caught.value)


def test_nothing_that_fits_and_nothing_at_all(tmp_path):
    with pytest.raises(UserError, match="not one of 1 pairs fits"):
        encode_table(student(context=4), table([Pair("w1", phrase(*range(9)), "s")]), tmp_path)
    empty = encode_table(student(), rows(0), tmp_path)
    assert len(empty) == 0
    assert len(encode_table(student(), rows(0), tmp_path)) == 0


def test_joined_caches_number_their_rows_on(tmp_path):
    """Tables of 3 and 2 rows, the second row of the first rejected."""
    long = phrase(*range(9))
    first = table([Pair("w0", "w1", "a"), Pair("w0", long, "a"), Pair("w2", "w3", "a")])
    second = table([Pair("w4 w5", "w6", "b"), Pair("w7", "w8", "b")])
    toy = student(context=4)
    tokens = Tokens.join([encode_table(toy, t, tmp_path) for t in (first, second)], [3, 2])
    assert tokens.sizes == [2, 2]
    assert tokens.rows_N.tolist() == [0, 2, 3, 4]
    assert [tokens.prompt(row).tolist() for row in range(4)] == [[3, 1], [5, 1], [7, 8, 1], [10, 1]]
    assert [tokens.response(row)[0] for row in range(4)] == [4, 6, 9, 11]
    assert tokens.prompt_lengths_N.tolist() == [2, 2, 3, 2]
    assert [row.line for row in tokens.rejected] == [2]
