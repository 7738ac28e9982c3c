"""Training: curves in bits a byte, speed, cost; what is not known stays empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamini.comparison.blocks import Drawing, Listing, Missing, Text
from lamini.comparison.chapters import training
from lamini.comparison.herd import Herd, Member
from lamini.comparison.training.curves import Curve
from lamini.comparison.training.lines import Line
from tests.comparison import made


def listing(herd: Herd, name: str) -> list[dict[str, object]]:
    """Rows of a table by column."""
    found = [block for block in training.chapter(herd).blocks if isinstance(block, Listing)]
    table = next(block.table for block in found if block.table.name == name)
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]


@pytest.fixture
def run(tmp_path: Path) -> Member:
    """A run with curves."""
    made.metrics(tmp_path / "t5-small", [4.0, 3.0, 2.0, 1.5], [2.5, 1.25])
    return made.run("t5-small", tmp_path / "t5-small")


def test_validation_stands_in_bits_a_byte(run: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends at 1.25 nats a token and 0.5 bits a byte has 1.0 bits a byte where it has 2.5 nats."""
    drawn: dict[str, list[Line]] = {}
    monkeypatch.setattr(training, "lines", lambda name, *told: drawn.update({name: list(told[-2])}))
    training.drawings([run], ["t5"])
    assert drawn["validation_curves"][0].value_P.tolist() == [1.0, 0.5]
    assert drawn["training_curves"][0].value_P.tolist() == [4.0, 3.0, 2.0, 1.5]


def test_both_figures(run: Member) -> None:
    blocks = training.chapter(Herd([run])).blocks
    assert [block.name for block in blocks if isinstance(block, Drawing)] == [
        "validation_curves",
        "training_curves",
    ]
    assert "0.500 bits a byte: t5-small" in next(block.alt for block in blocks if isinstance(block, Drawing))


def test_a_run_without_curves_is_said(tmp_path: Path) -> None:
    blocks = training.chapter(Herd([made.run("t5-small", tmp_path)])).blocks
    assert isinstance(blocks[0], Missing) and "no run has written" in blocks[0].what


def test_a_file_that_cannot_be_read_is_said(run: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path) -> dict[str, Curve]:
        raise PermissionError(file)

    monkeypatch.setattr(training.curves, "read", refuse)
    (block,) = training.drawings([run], ["t5"])
    assert isinstance(block, Missing) and "t5-small" in block.what


def test_speed_and_cost(run: Member) -> None:
    (told,) = listing(Herd([run]), "training")
    assert told["response tokens/s"] == 1000 and told["padding %"] == 2 and told["MFU %"] is None
    (spent,) = listing(Herd([run]), "training_cost")
    assert spent["minutes"] == 1.5 and spent["device hours"] == 0.025 and spent["device"] == "CPU"
    assert spent["kWh, estimate"] is None and spent["watts, at most"] is None


def test_what_the_teacher_cost(run: Member, tmp_path: Path) -> None:
    assert not [
        b
        for b in training.chapter(Herd([run])).blocks
        if isinstance(b, Listing) and "teacher" in b.table.name
    ]
    cost = {"usd": 1.25, "answers": 30, "prompt_tokens": 900, "response_tokens": 800, "unmetered": 0}
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "manifest.json").write_text(json.dumps({"name": "mine", "rows": 28, "cost": cost}))
    run.config["data"] = {"path": str(tmp_path / "pairs")}  # type: ignore[index]
    (told,) = listing(Herd([run, run]), "teacher_cost")
    assert list(told.values()) == ["mine", 28, 30, 900, 800, 1.25]


def test_the_paper_tells_nothing() -> None:
    blocks = training.chapter(Herd([])).blocks
    assert isinstance(blocks[0], Missing) and isinstance(blocks[-1], Text) and "V100" in blocks[-1].markdown
