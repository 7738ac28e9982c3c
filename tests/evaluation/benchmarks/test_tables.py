"""The table at the end: paper and chance beside a student, narrow terminals, more pairs than fit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lamini.evaluation.benchmarks import tables
from lamini.evaluation.benchmarks.paper import published, published_of
from lamini.evaluation.benchmarks.significance import compare
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import labels


def _entry(value: float, paper: str | None = None) -> dict[str, object]:
    numbers = {"value": value, "stderr": 0.01, "n": 100, "chance": 0.25}
    return {
        "acc": numbers, "headline": "acc", "share": True, "version": "1.0", "prompt_of_first": "", "cut": 0,
        "by_row": 100, "key": "k", "paper": paper,
    }  # fmt: skip


def _tree(**tasks: dict[str, object]) -> dict[str, object]:
    mean = {"value": 0.3, "stderr": 0.02, "tasks": 2}
    return {
        "wrapper": "bare", "tasks": tasks, "groups": {}, "mean": mean, "weighted_mean": mean,
        "failed": {"race": "why"}, "others": {},
    }  # fmt: skip


def test_a_base_and_a_run_find_their_columns_of_the_paper(tmp_path: Path) -> None:
    base = Subject("flan-t5-small", "google/flan-t5-small", tmp_path / "flan-t5-small", None)
    released = Subject("LaMini-GPT-124M", "MBZUAI/LaMini-GPT-124M", tmp_path / "x", None)
    run = Subject("my-run", "export", tmp_path / "run", "bare")
    run.folder.mkdir()
    (run.folder / "config.yaml").write_text("family: {name: gpt-neo}\nsize: {name: 125M}\n")
    names = [getattr(published_of(one), "name", None) for one in (base, released, run)]
    assert names == ["Flan-T5-77M", "LaMini-GPT-124M", "LaMini-Neo-135M"]
    (run.folder / "config.yaml").write_text("family: {name: t5}\nsize: {name: nano}\n")
    assert published_of(run) is None
    assert len(published()) == 35 and published()[0].scores["OpenBookQA"] == 0.302


def test_the_papers_row_has_its_numbers_under_our_columns() -> None:
    subject = Subject("LaMini-Flan-T5-77M", "x", Path("nowhere"), None, scratch=True)
    tree = _tree(sciq=_entry(0.4, "SciQ"), own=_entry(0.2))
    (name, cells, _), (paper, published_cells, dim) = tables.student_lines(subject, "label", tree)
    assert name == "label *" and paper == "  paper: LaMini-Flan-T5-77M" and dim
    assert cells["sciq"] == "40.0" and cells["race"] == "failed" and cells["mean"] == "30.0 ±2.0"
    assert published_cells == {"mean": "51.3", "sciq": "79.4"}


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_number_is_lost_in_a_narrow_terminal(width: int) -> None:
    columns = {f"task{n}": f"Task-{n}" for n in range(12)}
    lines = [("student", {f"task{n}": f"{n}.5" for n in range(12)}, False)]
    console = Console(width=width, record=True, file=None, force_terminal=False)
    with console.capture() as capture:
        for view in tables.tables("title", columns, lines, width):
            console.print(view)
    text = capture.get()
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    assert re.findall(r"\b\d+\.5", text) == [f"{n}.5" for n in range(12)]
    assert text.count("student") == 2 * len(list(tables.tables("t", columns, lines, width)))


def test_many_pairs_are_told_by_neighbours_in_rank(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    students = {f"s{n}": {"x": (rng.random(400) < 0.1 * n).astype(float)} for n in range(1, 8)}
    found = compare(students, 0)
    assert len(found) == 21
    tables._pairs(found, Console(width=150))
    out = capsys.readouterr().out
    assert [f"s{n + 1} - s{n}" in out for n in range(1, 7)] == [True] * 6 and "s3 - s1" not in out
    assert "Shown: 6 of 21 pairs" in out


def test_runs_of_one_name_are_told_apart() -> None:
    found = [Subject("t5", "a", Path("one/t5"), None), Subject("t5", "b", Path("two/t5"), None)]
    assert list(labels(found).values()) == ["one/t5", "two/t5"]
