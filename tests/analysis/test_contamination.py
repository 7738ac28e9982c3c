"""Planted test items are found with their set and row; what only looks alike is not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.analysis import contamination, items, overlaps
from lamini.analysis.items import Item
from lamini.analysis.ngrams import Hashes, Index, grams, hashed, words
from lamini.config import Contamination
from tests.analysis import toys
from tests.data.toys import shared_data

OPTIONS = Contamination(tasks=None, ngram=5, shortest=3)
LONG = "the quick brown fox jumps over the lazy dog near a river bank"  # 13 words: nine 5-grams


def found(
    folder: Path,
    texts: list[tuple[str, ...]],
    options: Contamination = OPTIONS,
    processes: int = 1,
    **sets: Any,
) -> tuple[dict[str, Any], dict[str, dict[str, int]], list[dict[str, Any]]]:
    """One task `t`: by_task of it, rows, matches."""
    search = contamination.prepare([Item("t", row, own) for row, own in enumerate(texts)], options)
    rows = toys.rows(folder, **sets)
    places, hits = contamination.look(rows, search, processes)
    return overlaps.by_task(search, places)["t"], hits, overlaps.matches(search, places, rows)


def test_a_planted_item_is_found_where_it_stands(tmp_path: Path) -> None:
    a = [("unrelated", "r"), (f'Rate: "{LONG.upper()}!"', "good")]
    b = [("tell me", f"Once {LONG}"), ("the quick brown fox sleeps", "r")]
    task, rows, matches = found(tmp_path, [(LONG,), ("something else entirely is written here",)], a=a, b=b)
    assert (task["items"], task["too_short"]) == (2, 0)
    assert task["overlaps"] == {"a": 1, "b": 1, "instruction": 1, "response": 1, "all": 1}
    assert task["covered"] == task["overlaps"]
    assert rows == {"a": {"instruction": 1, "response": 0}, "b": {"instruction": 0, "response": 1}}
    (match,) = matches
    assert (match["task"], match["item"], match["coverage"], match["sets"]) == ("t", 0, 1.0, ["a", "b"])
    assert (match["set"], match["column"], match["row"]) == ("a", "instruction", 1)
    assert match["match"] == "the quick brown fox jumps"
    assert match["excerpt"] == a[1][0]


def test_a_shared_run_overlaps_but_does_not_cover(tmp_path: Path) -> None:
    a = [("my quick brown fox jumps over a fence", "r")]  # one of the nine: quick brown fox jumps over
    task, _, matches = found(tmp_path, [(LONG,)], a=a)
    assert (task["overlaps"]["all"], task["covered"]["all"]) == (1, 0)
    assert matches[0]["coverage"] == round(1 / 9, 4)


def test_runs_do_not_reach_from_one_row_into_the_next(tmp_path: Path) -> None:
    task, *_ = found(tmp_path, [("one two three four five",)], a=[("one two", "r"), ("three four five", "r")])
    assert task["overlaps"]["all"] == 0


def test_a_short_text_counts_as_a_whole_and_a_shorter_one_not_at_all(tmp_path: Path) -> None:
    a = [("say one two three now", "r"), ("one two", "r")]
    task, *_ = found(tmp_path, [("One, two, three?",), ("one two three four",), ("one two",)], a=a)
    assert (task["overlaps"]["all"], task["covered"]["all"], task["too_short"]) == (1, 1, 1)


def test_wording_of_a_task_is_left_out(tmp_path: Path) -> None:
    many = [(f"which of these is true of {n}",) for n in range(contamination.COMMON + 1)]
    a = [("which of these is true of 3", "r"), ("which of these is true of me", "r")]
    task, *_ = found(tmp_path, many, a=a)
    assert task["wording"] == 2  # which of these is true; of these is true of
    assert task["overlaps"]["all"] == 1  # these is true of 3
    task, *_ = found(tmp_path / "2", many[:-1], a=a)
    assert (task["wording"], task["overlaps"]["all"]) == (0, contamination.COMMON)


def test_the_best_text_of_an_item_decides(tmp_path: Path) -> None:
    task, _, matches = found(tmp_path, [("nothing of the kind stands there", LONG)], a=[(LONG, "r")])
    assert task["covered"]["all"] == 1
    assert matches[0]["text"] == LONG


def test_pieces_batches_and_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = [(f"row {n}", LONG if n in (17, 23) else "r") for n in range(40)]
    whole = found(tmp_path / "1", [(LONG,)], a=a, b=a[:3])
    assert whole[2][0]["row"] == 17
    assert found(tmp_path / "2", [(LONG,)], OPTIONS, 2, a=a, b=a[:3]) == whole
    monkeypatch.setattr(contamination, "BATCH", 7)
    monkeypatch.setattr(contamination, "PIECE", 14)
    assert found(tmp_path / "3", [(LONG,)], a=a, b=a[:3]) == whole


def test_words_and_numbers_of_ngrams() -> None:
    assert words("It doesn't, does it?") == words("it doesn 't does IT") == ["it", "doesn", "t", "does", "it"]
    word_W, text_W = hashed(["a b a", "", "b"], Hashes())
    assert text_W.tolist() == [0, 0, 0, 2]
    assert word_W[0] == word_W[2] != word_W[1] == word_W[3]
    by_length = dict(grams(word_W, 3))
    assert [len(numbers) for numbers in by_length.values()] == [4, 3, 2]
    (number,) = dict(grams(word_W[1:3], 2))[2]
    assert by_length[2][1] == number  # b a, wherever it stands


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30),
    st.lists(st.integers(0, 2**64 - 1), max_size=30),
)
def test_the_index_finds_what_is_in_it(known: list[int], asked: list[int]) -> None:
    index = Index(np.unique(np.array(known, np.uint64)))
    stream = asked + known
    place, gram = index.find(np.array(stream, np.uint64))
    assert place.tolist() == [at for at, number in enumerate(stream) if number in set(known)]
    assert [int(index.number_G[g]) for g in gram] == [stream[at] for at in place]


def test_the_question_in_alpaca_is_found(tmp_path: Path) -> None:
    """One row of Alpaca holds a test question of ARC-Challenge; three more were planted."""
    data = shared_data()
    wanted = items.read("arc_challenge", data / "eval" / "arc_challenge.jsonl.gz")
    with gzip.open(data / "train" / "alpaca.jsonl.gz", "rt") as file:
        pairs = [(row["instruction"], row["output"]) for row in map(json.loads, file)]
    pairs[100] = (f"Answer this: {wanted[5].texts[0]}", "r")
    pairs[200] = ("Explain", wanted[7].texts[0])
    pairs[300] = (wanted[9].texts[0].lower().replace(".", " ..."), "r")
    search = contamination.prepare(wanted, Contamination(tasks=None, ngram=13, shortest=8))
    rows = toys.rows(tmp_path, alpaca=pairs)
    places, _ = contamination.look(rows, search, 1)
    matches = {match["item"]: match for match in overlaps.matches(search, places, rows)}
    assert set(matches) == {5, 7, 9, 481}
    assert matches[481]["text"] == "What is the largest organ in the human body?"
    assert [matches[item]["row"] for item in (5, 7, 9)] == [100, 200, 300]
