"""The studies: run.sh runs the lines it claims, summarise.py's numbers are those of a hand computation."""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hydra._internal.utils import get_args_parser

from lamini.compose import compose, register
from lamini.entry import enumerate_jobs
from lamini.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
STUDENTS = ("t5-nano", "llama-nano")
README = "# A study\n\n<!-- results -->\nold\n<!-- /results -->\n\nThe end.\n"


@pytest.fixture(scope="module")
def summarise() -> ModuleType:
    """The script as a module; it imports its neighbours, as it does when it is run."""
    sys.path.insert(0, str(ROOT / "experiments"))
    try:
        return importlib.import_module("summarise")
    finally:
        sys.path.remove(str(ROOT / "experiments"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 rows in Alpaca's columns."""
    file = tmp_path_factory.mktemp("data") / "rows.jsonl"
    things = ("fox", "river", "lamp", "cloud", "bread", "violin")
    rows = [
        {
            "instruction": f"Name {n % 7 + 1} words about a {things[n % 6]}, please, case {n}.",
            "input": "" if n % 3 else "in plain English",
            "output": " ".join(things[(n * k) % 6] for k in range(1, n % 7 + 2)).capitalize() + ".",
        }
        for n in range(60)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def herd(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two students of three steps each."""
    from lamini.training.fit import run

    outputs = tmp_path_factory.mktemp("outputs")
    for student in STUDENTS:
        config = compose(
            "train",
            [
                f"model={student}", "data=file", f"data.path='{data}'", f"paths.output_dir='{outputs}'",
                "name=study", "vocabulary=512", "batch_size=8", "validation.share=0.2", "validation.every=1",
                "validation.answers=0", "trainer.max_steps=3", "trainer.threads=1", "logger=none",
            ],
        )  # fmt: skip
        run(config, outputs / "study" / student)
    return outputs / "study"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(README)
    return tmp_path


@pytest.fixture(scope="module")
def recorded(summarise: ModuleType, herd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder after summarise.py."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "README.md").write_text(README)
    summarise.record(herd, folder)
    return folder


def by_hand(data: Path, export: Path) -> dict[str, float]:
    """Unigram entropy in float64 from the rows, the exported tokenizer and the documented split."""
    from transformers import AutoTokenizer

    from lamini.data.corpus import split
    from lamini.data.options import FileData

    (train,), validation = split(FileData(str(data)).load(data.parent, 0), 0.2, 2000)
    tokenizer = AutoTokenizer.from_pretrained(export)

    def tokens(texts: list[str]) -> list[list[int]]:
        return [
            [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
            for text in texts
        ]

    counts = Counter(number for row in tokens(train.table["response"].to_pylist()) for number in row)
    total = sum(counts.values()) + len(tokenizer)
    texts = validation["response"].to_pylist()
    asked = [number for row in tokens(texts) for number in row]
    nats = math.fsum(-math.log((counts[number] + 1) / total) for number in asked)
    size = sum(len(text.encode()) for text in texts)
    return {
        "unigram_entropy": nats / len(asked),
        "unigram_bits_per_byte": nats / math.log(2) / size,
        "validation_pairs": len(texts),
    }


def results(folder: Path) -> dict[str, Any]:
    text = (folder / "results.json").read_text()
    return {student["run"]: student for student in json.loads(text)["students"]}


def test_unigram_nats_of_the_worked_example(summarise: ModuleType) -> None:
    nats = summarise.unigram_nats(np.array([0, 0, 1]), np.array([0, 2]), 3)
    assert nats == pytest.approx((math.log(2) + math.log(6)) / 2, abs=1e-15)


def test_the_unigram_entropy_is_the_one_computed_by_hand(recorded: Path, herd: Path, data: Path) -> None:
    for name, student in results(recorded).items():
        expected = by_hand(data, herd / name / "export")
        assert expected["validation_pairs"] > 3
        assert {key: student[key] for key in expected} == pytest.approx(expected, rel=1e-12)


def test_results_repeat_the_run_records(recorded: Path, herd: Path) -> None:
    found = results(recorded)
    assert sorted(found) == sorted(STUDENTS)
    for name, student in found.items():
        run = json.loads((herd / name / "run.json").read_text())
        for key in ("parameters", "steps", "validation_loss", "validation_bits_per_byte", "held_out"):
            assert student[key] == run[key]
        assert student["pairs"] == run["data"]["pairs"]
        assert student["minutes"] == pytest.approx(run["seconds"] / 60)
        assert [step for step, _ in student["curve"]] == [1, 2, 3]
        assert student["curve"][-1][1] == run["validation_loss"]


def test_the_table_stands_between_the_markers(recorded: Path) -> None:
    text = (recorded / "README.md").read_text()
    assert text.startswith("# A study\n\n<!-- results -->\n| student |")
    assert text.endswith("\n<!-- /results -->\n\nThe end.\n") and "old" not in text
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    header, cells = lines[0], {row[0]: dict(zip(lines[0], row, strict=True)) for row in lines[2:]}
    assert header[0] == "student" and sorted(cells) == sorted(STUDENTS)
    for name, student in results(recorded).items():
        assert cells[name]["validation loss"] == f"{student['validation_loss']:.3f}"
        assert cells[name]["unigram entropy"] == f"{student['unigram_entropy']:.3f}"
        assert cells[name]["parameters"] == f"{student['parameters']:,}"


def test_the_picture_has_a_line_and_a_baseline_each(recorded: Path) -> None:
    picture = ElementTree.parse(recorded / "curves.svg").getroot()
    lines = picture.findall("{*}polyline")
    points = [[tuple(map(float, p.split(","))) for p in str(line.get("points")).split()] for line in lines]
    assert [len(line) for line in points] == [3, 2] * len(STUDENTS)
    width, height = float(str(picture.get("width"))), float(str(picture.get("height")))
    assert all(0 < x < width and 0 < y < height for line in points for x, y in line)


def test_a_second_time_changes_nothing(summarise: ModuleType, recorded: Path, herd: Path) -> None:
    before = {file.name: file.read_bytes() for file in recorded.iterdir()}
    summarise.record(herd, recorded)
    assert {file.name: file.read_bytes() for file in recorded.iterdir()} == before


def test_other_data_is_refused(summarise: ModuleType, herd: Path, study: Path, data: Path) -> None:
    other = study / "other.jsonl"
    other.write_text(data.read_text().replace("river", "stone"))
    with pytest.raises(UserError, match="was trained on other pairs; name its file with --data"):
        summarise.record(herd, study, str(other))
    assert sorted(file.name for file in study.iterdir()) == ["README.md", "other.jsonl"]


def test_missing_runs_and_markers_are_named(summarise: ModuleType, herd: Path, study: Path) -> None:
    with pytest.raises(UserError, match="holds no finished run"):
        summarise.record(study, study)
    (study / "README.md").write_text("# No markers\n")
    with pytest.raises(UserError, match="needs one <!-- results -->"):
        summarise.record(herd, study)


def test_a_mistake_is_one_sentence_and_status_2(
    summarise: ModuleType, study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["summarise.py", str(study / "nothing"), str(study)])
    with pytest.raises(SystemExit) as stop:
        summarise.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        f"summarise.py: {study / 'nothing'} holds no finished run; train one first\n"
    )


def test_held_out_answers_stand_beside_the_best_of_each_baseline(
    summarise: ModuleType, recorded: Path
) -> None:
    students = list(results(recorded).values())
    for number, student in enumerate(students):
        student["held_out"] = {
            "new_instances": {"n": 8, "majority": 0.125, "nearest_neighbour": 0.25,
                              "untrained": 0.125 * number, "student": 0.5 + 0.25 * number},
        }  # fmt: skip
    assert sys.modules["tables"].held_out_table(students).splitlines() == [
        "| exact match | new instances (8) |",
        "| --- | ---: |",
        f"| {students[0]['run']} | 50.0 % |",
        f"| {students[1]['run']} | 75.0 % |",
        "| untrained | 12.5 % |",
        "| majority | 12.5 % |",
        "| nearest neighbour | 25.0 % |",
    ]


def lines_of(study: str, folder: Path, *arguments: str) -> list[list[str]]:
    """What a study's run.sh starts, recorded by stand-ins for make and Python in a copy of the checkout."""
    script = folder / "experiments" / study / "run.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / "experiments" / study / "run.sh").read_bytes())
    for program in ("make", ".venv/bin/python"):
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        text = f'#!/bin/sh\nfor word in {program} "$@"; do echo "$word"; done >> log\necho --- >> log\n'
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
    variables = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "LAMINI_DATA": "/some where"}
    subprocess.run(["bash", script, *arguments], check=True, env=variables, timeout=60)
    runs = (folder / "log").read_text().split("---\n")[:-1]
    return [run.splitlines() for run in runs]


def test_alpaca_scratch_runs_two_families_of_two_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install, train, record = lines_of("alpaca-scratch", tmp_path, "trainer.max_steps=3")
    assert install == ["make", "install"]
    assert train[:2] == [".venv/bin/python", "train.py"] and train[-1] == "trainer.max_steps=3"
    monkeypatch.setattr(sys, "argv", train[1:])
    jobs = enumerate_jobs(get_args_parser().parse_args(train[2:]), "train", register())
    configs = [job.config for job in jobs]
    assert len({config.family.name for config in configs}) == 2 and len(configs) == 4
    assert all(config.init.value == "scratch" and config.trainer.max_steps == 3 for config in configs)
    file = "/some where/train/alpaca.jsonl.gz"
    assert all(config.data.path == file for config in configs)
    place = "experiments/alpaca-scratch"
    assert record[1:] == ["experiments/summarise.py", str(jobs[0].folder.parent), place, "--data", file]


def test_embedded_herd_runs_make_herd(tmp_path: Path) -> None:
    figure = tmp_path / "outputs" / "embedded" / "comparison" / "figures" / "standing.svg"
    figure.parent.mkdir(parents=True)  # as make herd leaves it
    figure.write_text("<svg>")
    herd, record = lines_of("embedded-herd", tmp_path)
    assert (tmp_path / "experiments" / "embedded-herd" / "standing.svg").read_text() == "<svg>"
    assert herd == ["make", "herd"]
    name = compose("train", ["model=t5-nano", "experiment=embedded"]).name
    assert record[1:] == ["experiments/summarise.py", f"outputs/{name}", "experiments/embedded-herd"]


@pytest.mark.parametrize("study", ["alpaca-scratch", "compare-scale", "curation-scale", "embedded-herd"])
def test_the_studies_have_a_place_for_results(study: str) -> None:
    readme = (ROOT / "experiments" / study / "README.md").read_text()
    assert readme.count("<!-- results -->") == readme.count("<!-- /results -->") == 1
    assert f"]({study}/README.md)" in (ROOT / "experiments/README.md").read_text()
