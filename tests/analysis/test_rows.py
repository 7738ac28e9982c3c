"""Sets on disk: named by instruction_source, read in order or by content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamini.analysis import rows as module
from lamini.analysis.rows import interleaved, order_digest, spill
from lamini.data.corpus import Source
from lamini.data.records import Pair, table
from lamini.errors import UserError
from tests.analysis import toys


def source(name: str, *pairs: tuple[str, str]) -> Source:
    return Source(name, table(Pair(text, "r", value) for text, value in pairs))


def everything(batches: object) -> list[str]:
    return [text for batch in batches for text in batch]  # type: ignore[attr-defined]


def test_a_set_is_an_instruction_source_in_the_order_of_the_data(tmp_path: Path) -> None:
    a, b = spill([source("one", ("1", "a"), ("2", "b"), ("3", "a"))], tmp_path)
    assert (a.name, a.count, everything(a.texts("instruction"))) == ("a", 2, ["1", "3"])
    assert (b.name, b.count, everything(b.texts("response"))) == ("b", 1, ["r"])


def test_two_sources_with_one_name_stay_apart(tmp_path: Path) -> None:
    sets = spill([source("old", ("1", "a")), source("new", ("2", "a"), ("3", "all"))], tmp_path)
    assert [rows.name for rows in sets] == ["old/a", "new/a", "new/all"]


def test_too_many_sets_are_refused(tmp_path: Path) -> None:
    many = source("one", *((str(n), str(n)) for n in range(module.MOST + 1)))
    with pytest.raises(UserError, match="101 different values of instruction_source"):
        spill([many], tmp_path)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"paths\.cache_dir"):
        spill([source("one", ("1", "a"))], tmp_path / "missing")


def test_a_shuffle_goes_by_content_and_seed(tmp_path: Path) -> None:
    pairs = [(f"say {n}", "yes") for n in range(50)] + [("again", "yes")] * 9
    (one,) = toys.rows(tmp_path / "1", a=pairs)
    (other,) = toys.rows(tmp_path / "2", a=pairs[::-1])
    first = everything(one.texts("instruction", one.shuffled(1)))
    assert first == everything(other.texts("instruction", other.shuffled(1)))
    assert first != everything(one.texts("instruction", one.shuffled(2)))
    assert sorted(first) == sorted(text for text, _ in pairs)
    assert order_digest([one]) != order_digest([other])


def test_batches_leave_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    (rows,) = toys.rows(tmp_path, a=[(str(n), "r") for n in range(10)])
    assert [len(batch) for batch in rows.texts("instruction")] == [3, 3, 3, 1]
    order_N = np.array([9, 0, 5, 5])
    assert everything(rows.texts("instruction", order_N)) == ["9", "0", "5", "5"]


def test_a_mixture_keeps_the_order_of_each_set_and_all_rows(tmp_path: Path) -> None:
    sets = toys.rows(tmp_path, a=[(f"a{n}", "r") for n in range(30)], b=[(f"b{n}", "r") for n in range(10)])
    mixed = everything(interleaved(sets, "instruction", 0))
    assert [text for text in mixed if text[0] == "a"] == [f"a{n}" for n in range(30)]
    assert [text for text in mixed if text[0] == "b"] == [f"b{n}" for n in range(10)]
    assert mixed[:10] != [f"a{n}" for n in range(10)]
    orders = [np.arange(rows.count)[::-1] for rows in sets]
    assert [t for t in everything(interleaved(sets, "instruction", 0, orders)) if t[0] == "b"][0] == "b9"
