"""The load study: its arithmetic, and a small run of it that writes its section."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

STUDY = Path(__file__).resolve().parents[3] / "experiments" / "rating-load"


@pytest.fixture(scope="module")
def load() -> Iterator[ModuleType]:
    sys.path.insert(0, str(STUDY))
    try:
        yield importlib.import_module("load")
    finally:
        sys.path.remove(str(STUDY))


def test_percentiles_are_nearest_ranks(load: ModuleType) -> None:
    assert load.percentiles([n / 1000 for n in range(1, 101)]) == {
        "p50": 50,
        "p95": 95,
        "p99": 99,
        "max": 100,
    }
    assert load.percentiles([0.002]) == {"p50": 2, "p95": 2, "p99": 2, "max": 2}


@pytest.mark.slow
def test_a_small_run_with_a_crash(load: ModuleType, tmp_path: Path) -> None:
    shutil.copy(STUDY / "README.md", tmp_path)
    text = load.record(["hurried", "crashes"], tmp_path, count=4, seconds=4.0, items=20, crashes=1)
    calm, crashed = json.loads((tmp_path / "results.json").read_text())["runs"]
    for run in (calm, crashed):
        assert run["lost"] == run["doubled"] == run["known_at_first"] == 0
        assert run["stored"] == run["ratings"] > 4 and run["recognised"] == run["repeated"]
        assert run["farewell"]
    assert crashed["retried"] > 0 == calm["retried"]
    assert text in (tmp_path / "README.md").read_text()
