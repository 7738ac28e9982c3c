"""The study of curation at scale: its rows are what they claim, and a small run of it writes its section."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

STUDY = Path(__file__).resolve().parents[2] / "experiments" / "curation-scale"


@pytest.fixture(scope="module")
def modules() -> Iterator[tuple[ModuleType, ModuleType]]:
    """benchmark and synthetic, imported as neighbours, as they are when the script runs."""
    sys.path.insert(0, str(STUDY))
    try:
        yield importlib.import_module("benchmark"), importlib.import_module("synthetic")
    finally:
        sys.path.remove(str(STUDY))


def test_rows_are_what_they_claim(modules: tuple[ModuleType, ModuleType]) -> None:
    _, synthetic = modules
    (block,) = synthetic.blocks(2000)
    assert block.equals(next(iter(synthetic.blocks(2000))))
    rows = block.to_pylist()
    kinds = [row["request"].split("-")[0] for row in rows]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "row": 1860,
        "exact": 60,
        "near": 60,
        "decoy": 20,
    }
    originals = {(row["response"], row["instruction_source"]): row["instruction"] for row in rows[:1860]}
    assert len(originals) == 1860
    for row, kind in zip(rows, kinds, strict=True):
        original = originals[row["response"], row["instruction_source"]]
        close = synthetic.similarity(row["instruction"], original)
        if kind in ("row", "exact"):
            assert row["instruction"].split() == original.split()
        else:
            assert 0.8 <= close < 1 if kind == "near" else 0.3 < close < 0.75


def test_lengths_and_shares_are_those_of_table_1(modules: tuple[ModuleType, ModuleType]) -> None:
    _, synthetic = modules
    rows = pa.Table.from_batches([next(synthetic.blocks(10_000))]).slice(0, 9300).to_pylist()
    for source, (share, asked, said, _) in synthetic.TABLE_1.items():
        own = [row for row in rows if row["instruction_source"] == source]
        assert len(own) / len(rows) == pytest.approx(share / 2.58, abs=0.01)
        for side, tokens in (("instruction", asked), ("response", said)):
            mean = sum(len(row[side].split()) for row in own) / len(own)
            assert mean == pytest.approx(tokens * 0.75, rel=0.1)


def test_a_small_run(modules: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    pytest.importorskip("datasketch", reason="the study compares with datasketch")
    benchmark, _ = modules
    shutil.copy(STUDY / "README.md", tmp_path)
    text = benchmark.record([1000], tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    (run,) = results["runs"]
    assert run["planted"] == {"decoy": 10, "exact": 30, "near": 30, "row": 930}
    assert run["dropped"] == {"exact as exact": 30, "near as near": 30}
    assert run["seconds"] > 0 and 0.05 < run["peak_gb"] < 2
    other = results["datasketch"]
    assert other["own_dropped"] == other["dropped"] == other["both_dropped"] == 60
    readme = (tmp_path / "README.md").read_text()
    assert text in readme and readme.endswith("versions.\n") and "| 1,000 |" in readme
