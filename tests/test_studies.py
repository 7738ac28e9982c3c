"""The studies: what their presets train, that scripts run what they claim, and what is recorded how."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hydra._internal.utils import get_args_parser

from lamini.comparison.ablation import table4
from lamini.comparison.herd import Kind, Member
from lamini.comparison.size import flops
from lamini.compose import CONF, compose, families, register
from lamini.data.records import SOURCES
from lamini.entry import enumerate_jobs
from lamini.errors import UserError
from lamini.runs import Job
from lamini.teacher.oracle import generate
from tests.comparison import herds

ROOT = Path(__file__).resolve().parents[1]
ORACLE = ["data-ablation", "data-scale", "size"]
NOT_RUN = ["dedup", "family-flops", "family-parameters", "paper-herd", "topics", "wrapper"]
JOBS = {  # of one student and one seed, and of all
    "paper-herd": (1, 45), "paper-herd-6k": (1, 6), "data-ablation": (11, 198), "size": (1, 57),
    "data-ablation-oracle": (8, 48), "size-oracle": (1, 12), "data-scale": (5, 60),
    "data-scale-oracle": (3, 18),
    "family-parameters": (1, 42), "family-flops": (1, 36), "wrapper": (2, 24), "topics": (2, 24),
    "dedup": (2, 24),
}  # fmt: skip
PAPER = {  # Table 3
    "t5-small", "t5-base", "t5-large", "flan-t5-small", "flan-t5-base", "flan-t5-large", "gpt2-small",
    "gpt2-large", "gpt2-xl", "gpt-neo-125M", "gpt-neo-1.3B", "cerebras-gpt-111M", "cerebras-gpt-256M",
    "cerebras-gpt-590M", "cerebras-gpt-1.3B", "gpt-j-6B", "llama-7B",
}  # fmt: skip


def script(name: str) -> ModuleType:
    """A script of experiments/ as a module; it imports its neighbours, as it does when it is run."""
    folder = str((ROOT / "experiments" / name).parent)
    sys.path[:0] = [folder, str(ROOT / "experiments")]
    try:
        return importlib.import_module(Path(name).name)
    finally:
        del sys.path[:2]


def params(experiment: str) -> dict[str, list[str]]:
    """What a preset sweeps, with what it takes from the preset it builds on."""
    facts = yaml.safe_load((CONF / "experiment" / f"{experiment}.yaml").read_text())
    bases = [entry for entry in facts.get("defaults", []) if isinstance(entry, str) and entry != "_self_"]
    found = params(bases[0]) if bases else {}
    own = facts["hydra"]["sweeper"]["params"]
    return found | {key: str(value).split(",") for key, value in own.items()}


def jobs(experiment: str, *words: str) -> list[Job]:
    """What `python train.py -m experiment=<experiment> <words>` would run."""
    words = ("-m", f"experiment={experiment}", *words)
    return enumerate_jobs(get_args_parser().parse_args(words), "train", register())


@cache
def of_first(experiment: str) -> list[Job]:
    """The jobs of its first student and first seed."""
    return jobs(experiment, f"model={params(experiment)['model'][0]}", "seed=42")


@pytest.mark.parametrize("experiment", JOBS)
def test_every_preset_trains_three_seeds_of_students_that_exist(experiment: str) -> None:
    swept = params(experiment)
    known = {f"{family}-{size}" for family, sizes in families().items() for size in sizes}
    assert set(swept["model"]) <= known and len(set(swept["model"])) == len(swept["model"])
    assert swept["seed"] == ["42", "43", "44"]
    one, whole = JOBS[experiment]
    number = 1
    for values in swept.values():
        number *= len(values)
    assert number == whole
    found = of_first(experiment)
    assert len(found) == one
    assert {str(job.folder.parent) for job in found} == {f"outputs/{experiment.removesuffix('-6k')}"}


def test_every_preset_is_counted_here() -> None:
    presets = {file.stem for file in (CONF / "experiment").glob("*.yaml")}
    assert presets - {"embedded", "rehearsal"} >= set(JOBS)


def test_the_papers_herd_is_seventeen_students_two_of_them_at_6000_steps() -> None:
    assert set(params("paper-herd")["model"]) | set(params("paper-herd-6k")["model"]) == PAPER
    (small,) = of_first("paper-herd")
    (large,) = of_first("paper-herd-6k")
    assert (small.config.trainer.max_steps, small.config.trainer.max_epochs, small.config.batch_size) == (
        None,
        5,
        1024,
    )
    assert large.config.trainer.max_steps == 6000
    assert small.folder.parent == large.folder.parent


def test_the_ablation_has_the_columns_of_table_4_and_untuned_is_none_to_train() -> None:
    swept = params("data-ablation")
    assert {*swept["data"], "untuned"} == set(table4.facts()["columns"])
    for job, name in zip(of_first("data-ablation"), swept["data"], strict=True):
        assert set(job.config.data.active()) == ({*SOURCES} if name == "lamini" else {name})
        assert job.config.limit == 52000
    assert {job.config.data.hub for job in of_first("data-ablation-oracle")} == {"outputs/oracle-pairs"}


def test_original_targets_are_files_of_the_user_and_their_absence_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMINI_GOLD", str(tmp_path))
    for name in ("alpaca_gold", "p3_gold", "flan_gold"):
        config = compose("train", ["model=t5-small", f"data={name}"])
        with pytest.raises(UserError, match=rf"data\.sources\.{name}\.path=.*{name}\.jsonl does not exist"):
            config.data.check()


def test_alpacas_original_targets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        Path(os.environ.get("LAMINI_DATA", ROOT.parent / "shared" / "data")) / "train" / "alpaca.jsonl.gz"
    )
    if not source.exists():
        pytest.skip(f"needs {source}, set LAMINI_DATA")
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        (tmp_path / "alpaca_gold.jsonl").write_text("".join(islice(lines, 50)), encoding="utf-8")
    monkeypatch.setenv("LAMINI_GOLD", str(tmp_path))
    corpus = compose("train", ["model=t5-small", "data=alpaca_gold"]).data.load(tmp_path, 0)
    assert corpus.by_source() == {"alpaca_gold": 50.0 - len(corpus.rejected)}


def classes(study: str) -> list[list[str]]:
    """The students of each class in a study's README."""
    text = (ROOT / "experiments" / study / "README.md").read_text()
    rows = re.findall(r"^\| [^|]*\d[^|]* \| (.*) \|$", text, re.MULTILINE)
    return [row.split(", ") for row in rows]


def size_of(student: str) -> dict[str, Any]:
    """What its family's file says of a student."""
    family, _, size = student.rpartition("-")
    facts = yaml.safe_load((CONF / "family" / f"{family}.yaml").read_text())
    found: dict[str, Any] = facts["sizes"][size]
    return found


def published(student: str) -> Member:
    family, _, size = student.rpartition("-")
    return Member(student, Kind.model, None, {"student": student, "family": family, "size": size})


def test_classes_of_equal_operations_differ_by_a_tenth_at_most() -> None:
    found = classes("family-flops")
    assert [student for own in found for student in own] == params("family-flops")["model"]
    for own in found:
        counted = [flops.of_answer(published(student)) or 0 for student in own]
        assert all(abs(count / statistics.fmean(counted) - 1) < 0.1 for count in counted)


def test_classes_of_equal_parameters_differ_by_a_quarter_at_most() -> None:
    found = classes("family-parameters")
    assert [student for own in found for student in own] == params("family-parameters")["model"]
    for own in found:
        parameters = [size_of(student)["parameters"] for student in own]
        assert max(parameters) / min(parameters) < 1.25


def started(study: str, name: str, folder: Path, *arguments: str) -> list[list[str]]:
    """What a study's script starts, recorded by stand-ins for make and Python in a copy of the checkout."""
    for file in (f"{study}/{name}", "study.sh"):
        (folder / "experiments" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "experiments" / file).write_bytes((ROOT / "experiments" / file).read_bytes())
        (folder / "experiments" / file).chmod(0o755)
    for program in ("make", ".venv/bin/python"):
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        text = f'#!/bin/sh\nfor word in {program} "$@"; do echo "$word"; done >> log\necho --- >> log\n'
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
    variables = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    file = folder / "experiments" / study / name
    subprocess.run(["bash", file, *arguments], check=True, env=variables, timeout=60, cwd="/")
    runs = (folder / "log").read_text().split("---\n")[:-1]
    return [run.splitlines()[1:] for run in runs if run.startswith(".venv")]


@pytest.mark.parametrize("study", sorted([*ORACLE, *NOT_RUN]))
def test_run_sh_trains_scores_compares_and_records(study: str, tmp_path: Path) -> None:
    lines = started(study, "run.sh", tmp_path, "trainer.max_steps=3")
    trained = [line for line in lines if line[0] == "train.py"]
    assert [line[1:3] for line in trained][0] == ["-m", f"experiment={study}"]
    assert all(line[-1] == "trainer.max_steps=3" for line in trained)
    scored = [line for line in lines if line[0] == "evaluate.py"]
    assert scored[0][1].startswith(f"students=[outputs/{study}") and scored[0][2] == "suite=nlp15"
    compared, recorded = lines[-2:]
    assert compared[0] == "compare.py" and compared[1].startswith(f"runs=[outputs/{study}")
    assert recorded[:5] == [
        "experiments/record.py",
        f"outputs/{study}",
        f"experiments/{study}",
        "--suite",
        "nlp15",
    ]


@pytest.mark.parametrize("study", ORACLE)
def test_oracle_sh_does_so_with_the_oracle(study: str, tmp_path: Path) -> None:
    lines = started(study, "oracle.sh", tmp_path)
    if study == "data-ablation":
        assert lines.pop(0) == ["experiments/oracle_pairs.py", "outputs/oracle-pairs"]
    herd = f"outputs/{study}-oracle"
    more = ["--effects"] if study == "data-ablation" else []
    assert lines == [
        ["train.py", "-m", f"experiment={study}-oracle"],
        ["evaluate.py", f"students=[{herd}]", "suite=oracle"],
        ["compare.py", f"runs=[{herd}]"],
        ["experiments/record.py", herd, f"experiments/{study}", "--suite", "oracle", *more],
    ]


def test_the_ablation_scores_the_untuned_and_the_herd_is_trained_in_two_lines(tmp_path: Path) -> None:
    lines = started("data-ablation", "run.sh", tmp_path / "a")
    (scored,) = [line for line in lines if line[0] == "evaluate.py"]
    checkpoints = {size_of(student)["checkpoint"] for student in params("data-ablation")["model"]}
    assert (
        set(scored[1].removeprefix("students=[").rstrip("]").split(","))
        == {"outputs/data-ablation"} | checkpoints
    )
    assert lines[-2] == ["compare.py", "runs=[outputs/data-ablation,outputs/bases]"]
    assert lines[-1][-1] == "--effects"
    herd = started("paper-herd", "run.sh", tmp_path / "b")
    assert [line[2] for line in herd if line[0] == "train.py"] == [
        "experiment=paper-herd",
        "experiment=paper-herd-6k",
    ]


def test_what_was_not_run_says_so_and_what_was_has_its_numbers() -> None:
    index = (ROOT / "experiments" / "README.md").read_text()
    for study in [*ORACLE, *NOT_RUN]:
        folder = ROOT / "experiments" / study
        readme = (folder / "README.md").read_text()
        assert readme.count("<!-- results -->") == readme.count("<!-- /results -->") == 1
        assert f"[{study}]({study}/README.md)" in index
        assert (folder / "results.json").exists() == (study in ORACLE)
        if study in NOT_RUN:
            assert "\nNot run: " in readme
            continue
        results = json.loads((folder / "results.json").read_text())
        for group in results["groups"]:
            for row in group["rows"]:
                assert sorted(row["seeds"]) == [42, 43, 44]
                (line,) = [line for line in readme.splitlines() if line.startswith(f"| {row['run']} |")]
                assert (
                    f"| {row['mean']['mean']:.1f} ± {row['mean']['high'] - row['mean']['mean']:.1f} |" in line
                )


README = "# A study\n\n<!-- results -->\nold\n<!-- /results -->\n\nThe end.\n"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "README.md").write_text(README)
    return tmp_path / "study"


def made(seed: int, **more: Any) -> dict[str, Any]:
    """The part of a record that says where it was made."""
    hardware = {"machine": "x86_64", "cores": 2, "gpus": [], "system": "a kernel"}
    provenance = {"git_commit": "abcdef0123456789", "git_dirty": False, "versions": {"torch": "2.13.0"},
                  "hardware": hardware, "seed": seed, "threads": 1}  # fmt: skip
    return {"provenance": provenance, **more}


def herd(folder: Path, values: Mapping[str, Mapping[str, float]], **more: Any) -> Path:
    """Runs of t5-nano that differ by their seed: 1, 2, 3, ..."""
    for number, (name, own) in enumerate(values.items(), 1):
        run = herds.run(folder / name, "model=t5-nano", f"seed={number}", record=made(number))
        herds.scored(run, own, suite="oracle", **more)
    return folder


def test_seeds_are_a_row_with_the_interval_of_the_worked_example(tmp_path: Path, study: Path) -> None:
    """1, 2 and 3 percent: 2 +- 2.484."""
    values = {f"t5-nano,seed={n}": {"a": n / 100, "b": 0.5} for n in (1, 2, 3)}
    text = script("record").record(herd(tmp_path / "herd", values), study, "oracle")
    header, row = (line.strip("| ").split(" | ") for line in text.splitlines()[:3:2])
    cells = dict(zip(header, row, strict=True))
    assert (cells["run"], cells["seeds"], cells["a"], cells["b"]) == (
        "t5-nano",
        "3",
        "2.0 ± 2.5",
        "50.0 ± 0.0",
    )
    assert cells["mean"] == "26.0 ± 1.2"
    assert (study / "README.md").read_text() == README.replace("old", text)
    results = json.loads((study / "results.json").read_text())
    assert results["groups"][0]["rows"][0]["tasks"]["a"]["values"] == [1.0, 2.0, 3.0]
    assert "seeds 1, 2, 3" in text and "commit abcdef0123" in text


def test_rows_are_in_the_order_of_their_numbers() -> None:
    names = ["x,limit=1200", "x,limit=300", "a", "x,limit=4800"]
    assert sorted(names, key=script("record").natural) == ["a", "x,limit=300", "x,limit=1200", "x,limit=4800"]


def test_what_cannot_be_compared_or_has_no_score_stands_apart(tmp_path: Path, study: Path) -> None:
    folder = herd(tmp_path / "herd", {"x,seed=1": {"a": 0.1, "b": 0.5}, "x,seed=2": {"a": 0.9}})
    herds.run(folder / "y", "model=llama-nano")
    herds.run(folder / "z", "model=gpt2-nano", status="failed")
    text = script("record").record(folder, study, "oracle")
    assert "Apart, because not comparable: lacks b." in text
    assert "Left out: z is failed; y has no scores of oracle." in text
    with pytest.raises(UserError, match="no finished run with scores of nlp15"):
        script("record").record(folder, study, "nlp15")


def test_effects_are_recorded(tmp_path: Path, study: Path) -> None:
    folder = tmp_path / "herd"
    for number, (source, value) in enumerate([("x", 0.5), ("x", 0.5), ("y", 0.54), ("y", 0.54)]):
        told = made(number, data={"fingerprint": source, "pairs": 9, "sources": {source: 9.0}})
        run = herds.run(folder / f"{source},seed={number}", "model=t5-nano", f"seed={number}", record=told)
        herds.scored(run, {"a": value}, suite="oracle")
    text = script("record").record(folder, study, "oracle", effects=True)
    assert re.search(r"\| x \| -2\.0 \| ", text) and re.search(r"\| y \| \+2\.0 \| ", text)
    effects = json.loads((study / "results.json").read_text())["effects"]["effects"]
    assert [one["source"] for one in effects] == ["x", "y"]


def test_the_oracles_pairs_are_as_many_of_each_source_and_nothing_that_is_asked(tmp_path: Path) -> None:
    module = script("oracle_pairs")
    assert module.write(tmp_path / "pairs", 80).endswith("560 pairs")
    assert module.write(tmp_path / "pairs", 80).endswith("as before")
    with pytest.raises(UserError, match="holds 560 pairs, not 140; remove it"):
        module.write(tmp_path / "pairs", 20)
    config = compose("train", ["model=t5-small", "data=lamini", f"data.hub={tmp_path / 'pairs'}"])
    config.data.check()
    corpus = config.data.load(tmp_path, 0)
    assert corpus.by_source() == dict.fromkeys(SOURCES, 80.0)
    asked = {row.instruction for axis, rows in generate(1, 300, 0).items() if axis != "train" for row in rows}
    trained = {text for source in corpus.sources for text in source.table["instruction"].to_pylist()}
    assert len(asked) == 900 and not asked & trained


def test_deduplication_keeps_the_first_of_repeats_and_says_what_went(tmp_path: Path) -> None:
    rows = [
        {"instruction": f"Name {n} birds that live near the {place} and sing at night.", "response": "wren"}
        for n, place in enumerate(("sea", "lake", "wood", "town"))
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    words = ["data.hub=null", "~data.sources", f"+data.sources={{mine: {{path: {tmp_path / 'a.jsonl'}}}}}"]
    words.append(f"paths.cache_dir={tmp_path / 'cache'}")
    module = script("dedup/deduplicate")
    assert module.deduplicate(tmp_path / "out", words) == "mine: 4 stay"
    config = compose("train", ["model=t5-small", "data=deduplicated", f"data.hub={tmp_path / 'out'}"])
    assert config.data.hub == str(tmp_path / "out")
    table, _ = importlib.import_module("lamini.data.hub").load(config.data.hub)
    assert sorted(table["instruction"].to_pylist()) == sorted(row["instruction"] for row in rows)
    assert module.deduplicate(tmp_path / "out", words).endswith("is there already")
