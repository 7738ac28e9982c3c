"""The map: points that stand beside the report, a bound on what is drawn, and no map where they are gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lamini.comparison.dataset import semantic_map
from lamini.comparison.figures.drawing import svg


def report(folder: Path, points: dict[str, Any], model: str = "tfidf") -> dict[str, Any]:
    (folder / "parts").mkdir(parents=True)
    part = {"model": "tfidf", "points": points}
    (folder / "parts" / "semantic.json").write_text(json.dumps({"key": "k", "result": part}))
    return {"folder": str(folder), "parts": {"semantic": {"model": model}}}


def placed(count: int) -> list[list[Any]]:
    return [[float(n % 7), float(n % 11), "Name a colour."] for n in range(count)]


def test_points_of_every_set(tmp_path: Path) -> None:
    drawing = semantic_map.semantic_map(report(tmp_path, {"alpaca": placed(30), "original_p3": placed(20)}))
    assert drawing is not None and drawing.caption.startswith("50 instructions")
    drawn = svg(drawing)
    assert drawn.count("<use") >= 50 and "alpaca" in drawn and "Name a colour" not in drawn


def test_so_many_points_and_no_more(tmp_path: Path) -> None:
    drawing = semantic_map.semantic_map(report(tmp_path, {"a": placed(4000), "b": placed(100)}))
    assert drawing is not None and drawing.caption.startswith("1,600 of 4,100 instructions")
    assert svg(drawing).count("<use") < 1700


def test_no_map(tmp_path: Path) -> None:
    assert semantic_map.semantic_map({"parts": {}}) is None
    assert semantic_map.semantic_map({"parts": {"semantic": {"model": "m"}}}) is None
    assert semantic_map.semantic_map({"folder": str(tmp_path), "parts": {"semantic": {"model": "m"}}}) is None
    assert semantic_map.semantic_map(report(tmp_path / "empty", {})) is None


def test_points_of_other_vectors_are_not_this_report(tmp_path: Path) -> None:
    assert semantic_map.semantic_map(report(tmp_path, {"a": placed(30)}, model="mpnet")) is None
