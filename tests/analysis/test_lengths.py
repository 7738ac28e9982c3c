"""Table 1: exact sums and quantiles, the same with one process and with two."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamini.analysis import counting, lengths, rulers
from lamini.errors import UserError
from tests.analysis import toys
from tests.data.toys import shared_data


def test_sums_means_and_quantiles(tmp_path: Path) -> None:
    a = [(" ".join("w" * n), "x y") for n in (1, 2, 2, 11)]
    found = lengths.lengths(toys.rows(tmp_path, a=a, b=[("one two three", "z")]), "words", 1)
    assert (found["a"]["pairs"], found["all"]["pairs"]) == (4, 5)
    own = found["a"]["instruction"]
    assert (own["tokens"], own["mean"], own["median"], own["p95"], own["longest"]) == (16, 4.0, 2, 11, 11)
    assert own["histogram"] == [[1, 1], [2, 2], [11, 1]]
    assert found["all"]["instruction"]["tokens"] == 19
    assert found["all"]["response"]["tokens"] == 9


def test_a_single_set_has_no_mixture(tmp_path: Path) -> None:
    assert list(lengths.lengths(toys.rows(tmp_path, a=[("one", "two")]), "words", 1)) == ["a"]


def test_processes_and_pieces_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(" ".join("w" * (n % 7 + 1)), "r " * (n % 3 + 1)) for n in range(50)]
    sets = toys.rows(tmp_path, a=pairs, b=pairs[:20])
    whole = lengths.lengths(sets, "words", 1)
    assert lengths.lengths(sets, "words", 2) == whole
    monkeypatch.setattr(lengths, "PIECE", 8)
    assert lengths.lengths(sets, "words", 1) == whole


def test_counts() -> None:
    assert counting.counts(["Sort: b a", ""], "words").tolist() == [3, 0]
    assert counting.counts(["Sort: b a", ""], "marks").tolist() == [4, 0]


def test_real_tokenizers_count_without_special_tokens() -> None:
    folder = shared_data() / "tokenizers"
    for name in ("t5", "gpt2"):
        assert rulers.place(name, str(folder)) == str(folder / name)
        assert counting.counts(["Hello world", ""], str(folder / name)).tolist() == [2, 0]


@pytest.mark.parametrize("tokenizer", ["nowhere", "./nowhere", "a b", "org/name"])
def test_a_tokenizer_that_is_nowhere_is_told(tokenizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=f"tokenizer={tokenizer}.*tokenizer=words"):
        rulers.place(tokenizer, None)
