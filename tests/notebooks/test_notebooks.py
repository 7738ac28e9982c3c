"""The notebooks run from top to bottom on a real small herd, import lamini alone, have no outputs in git."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lamini.children import here
from lamini.compose import compose
from lamini.data.records import SOURCES

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUNS = [("t5-nano", data, seed) for data in ("alpaca", "original_p3") for seed in (1, 2)] + [
    ("gpt2-nano", "alpaca", 1)
]
LINES = 12  # of a cell, at most


@pytest.fixture(scope="module")
def herd(tiny: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs of three steps on two sources of the oracle, scored on four rows of each axis."""
    from lamini.evaluation.running import evaluate
    from lamini.training.fit import run

    outputs = tmp_path_factory.mktemp("outputs")
    hub = pairs(outputs / "pairs")
    words = [word for word in tiny if not word.startswith("data.")]
    for student, data, seed in RUNS:
        overrides = [
            f"model={student}", f"data={data}", f"data.hub='{hub}'", f"seed={seed}", "trainer.max_steps=3",
            f"paths.output_dir='{outputs}'", "name=study", "validation.share=0.1",
        ]  # fmt: skip
        run(compose("train", [*words, *overrides]), outputs / "study" / f"{student},data={data},seed={seed}")
    scoring = [f"students='{outputs / 'study'}'", "suite=oracle", "suite.limit=4", "threads=1", "device=cpu"]
    assert evaluate(compose("evaluate", [*scoring, f"paths.output_dir='{outputs}'"]), here) == 0
    return outputs / "study"


def pairs(folder: Path) -> Path:
    """Sixty pairs of each source."""
    import sys

    sys.path.insert(0, str(ROOT / "experiments"))
    try:
        import oracle_pairs
    finally:
        sys.path.remove(str(ROOT / "experiments"))
    assert f"{60 * len(SOURCES):,} pairs" in oracle_pairs.write(folder, 60)
    return folder


def executed(name: str, chosen: str, folder: Path) -> list[str]:
    """The HTML and text under the cells of a notebook whose choices are replaced by `chosen`."""
    book = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    (cell,) = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
    cell.source = chosen
    NotebookClient(
        book, timeout=240, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    outputs = [output for output in outputs if output.get("name") != "stderr"]
    return [output.get("text") or output["data"].get("text/html", "") for output in outputs]


def test_the_data(tmp_path: Path, cache: Path) -> None:
    words = ["data=oracle", "data.pairs=300", "semantic.model=tfidf", "figures=false"]
    words += [f"paths.output_dir={tmp_path}", f"paths.cache_dir={cache}"]
    shown = executed("data.ipynb", f"data = {words!r}", tmp_path)
    text = "\n".join(shown)
    assert "300 pairs in all." in text
    assert "generated_p3" in text and "72.46" in text  # ours by source, and the paper's Table 2 beside


def test_the_herd(herd: Path, tmp_path: Path) -> None:
    text = "\n".join(executed("herd.ipynb", f"runs = [{str(herd)!r}]", tmp_path))
    for student, data, seed in RUNS:
        assert f"{student},data={data},seed={seed}" in text
    assert text.count("<svg") >= 2


def test_the_ablation(herd: Path, tmp_path: Path) -> None:
    chosen = f"runs = {str(herd)!r}\nsuite = 'oracle'\nagainst = None"
    first, *shown = executed("ablation.ipynb", chosen, tmp_path)
    assert first == "5 runs;\n"
    assert "5 runs of 2 students" in shown[0] and "original_p3" in shown[0]
    assert "72 runs of 6 students" in shown[1] and "F(11, 44) = 1.05" in shown[1]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped_and_only_lamini_is_imported(file: Path) -> None:
    book = nbformat.read(file, as_version=4)
    nbformat.validate(book)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert cells and all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    assert book.cells[0].cell_type == "markdown"
    for cell in cells:
        assert len(cell.source.splitlines()) <= LINES
        for node in ast.walk(ast.parse(cell.source)):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            assert all(str(module).split(".")[0] == "lamini" for module in modules)


def test_there_are_three() -> None:
    assert [file.stem for file in NOTEBOOKS] == ["ablation", "data", "herd"]
