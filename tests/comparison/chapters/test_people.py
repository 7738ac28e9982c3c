"""The chapters of ratings, probes, dataset and training: of the paper, of a failed run, of nothing."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from lamini.comparison.blocks import Chapter, Drawing, Listing, Missing, Text
from lamini.comparison.chapters import dataset, probes, ratings, training
from lamini.comparison.figures.drawing import png, svg
from lamini.comparison.herd import Herd
from lamini.comparison.reading import read
from tests.comparison import made

CHAPTERS = [ratings, probes, dataset, training]


def whole(chapter: Chapter) -> None:
    """Every block can be written: rows fit columns, marks and keys fit rows, names are names of one file."""
    names = []
    for block in chapter.blocks:
        if isinstance(block, Listing):
            rows, columns = block.table.rows, block.table.columns
            assert rows and all(len(row) == len(columns) for row in rows)
            assert not block.rows or len(block.rows) == len(rows)
            assert all(row < len(rows) and place < len(columns) for row, place in block.marks)
            names.append(block.table.name)
        if isinstance(block, Drawing):
            assert block.alt and svg(block).startswith("<svg") and png(block)[1:4] == b"PNG"
            names.append(block.name)
        if isinstance(block, Missing):
            assert block.command.startswith("python ") and block.what.endswith(".")
    assert len(names) == len(set(names))


@pytest.mark.parametrize("module", CHAPTERS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_of_the_paper(module: ModuleType) -> None:
    chapter = module.chapter(read("paper"))
    whole(chapter)
    assert any(isinstance(block, Listing | Text) for block in chapter.blocks)


@pytest.mark.parametrize("module", CHAPTERS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_of_one_failed_run(module: ModuleType, tmp_path: Path) -> None:
    unknown = ("parameters", "data", "train_loss", "validation_loss", "validation_bits_per_byte", "seconds")
    failed = made.run("t5-small", tmp_path / "herd" / "t5-small", status="failed", **dict.fromkeys(unknown))
    chapter = module.chapter(Herd([failed], paper=False))
    whole(chapter)
    assert any(isinstance(block, Missing) for block in chapter.blocks)


@pytest.mark.parametrize("module", CHAPTERS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_of_nothing_at_all(module: ModuleType) -> None:
    chapter = module.chapter(Herd([], paper=False))
    whole(chapter)
    assert chapter.blocks and all(isinstance(block, Missing | Text) for block in chapter.blocks)
