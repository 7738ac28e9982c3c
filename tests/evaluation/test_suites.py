"""The suites as YAML: they compose, name tasks that exist, and run on tiny students without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamini.compose import CONF, compose
from lamini.errors import UserError
from lamini.evaluation import ifeval
from lamini.evaluation.benchmarks.names import known_names
from lamini.evaluation.options import Benchmarks, BenchmarkTask
from tests.evaluation.benchmarks import toys

SUITES = ["custom", "ifeval", "nlp15", "oracle", "quick"]
OWN = """
task: capitals{name}
dataset_path: json
test_split: test
doc_to_text: "What is the capital of {{{{country}}}}?"
doc_to_target: city
{more}
"""


def suite(*words: str) -> Benchmarks:
    """The suite of a line."""
    found = compose("evaluate", ["students=x", *words]).suite
    assert isinstance(found, Benchmarks)
    return found


def refused(folder: Path, *words: str) -> str:
    """What is said of a line that cannot work."""
    from lamini.evaluation.command import check

    places = [f"paths.output_dir={folder}/outputs", f"paths.cache_dir={folder}/cache"]
    with pytest.raises(UserError) as error:
        check(compose("evaluate", [f"students={folder}", *places, *words]))
    return str(error.value)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_named_as_its_file_and_its_tasks_are_known(name: str) -> None:
    found = suite(f"suite={name}", *(["suite.tasks=[rte]"] if name == "custom" else []))
    assert found.name == name and (CONF / "suite" / f"{name}.yaml").is_file()
    known = known_names()
    assert all(task in known for task in found.chosen())


def test_quick_is_a_part_of_nlp15_told_in_the_same_way() -> None:
    quick, whole = suite("suite=quick"), suite("suite=nlp15")
    assert quick.chosen().items() <= whole.chosen().items()
    assert quick.limit == 100 and whole.limit is None


def test_custom_takes_a_list_or_a_mapping_and_nothing_else(tmp_path: Path) -> None:
    told = suite("suite=custom", "suite.tasks=[mmlu,gsm8k]").chosen()
    assert told == {"mmlu": BenchmarkTask(), "gsm8k": BenchmarkTask()}
    told = suite("suite=custom", "suite.tasks={arc_easy: {metric: acc_norm}}").chosen()
    assert told == {"arc_easy": BenchmarkTask(metric="acc_norm")}
    assert "suite=custom has no task; name some: suite.tasks='[" in refused(tmp_path, "suite=custom")
    said = refused(tmp_path, "suite=custom", "suite.tasks=[hellaswagg]")
    assert "hellaswagg is no task" in said and "hellaswag" in said
    said = refused(tmp_path, "suite=custom", "suite.tasks=[rte]", f"suite.include_path={tmp_path}/none")
    assert f"suite.include_path={tmp_path}/none is no folder" in said


def test_ifeval_without_its_extra_is_refused_at_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ifeval, "find_spec", lambda package: None)
    assert "pip install 'lamini-herd[ifeval]'" in refused(tmp_path, "suite=ifeval")
    assert "pip install 'lamini-herd[ifeval]'" in refused(tmp_path, "suite=custom", "suite.tasks=[ifeval]")


@pytest.fixture
def herd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two students, and no network."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    toys.run_folder(tmp_path / "herd", "a", "gpt2")
    toys.run_folder(tmp_path / "herd", "b", "t5")
    return tmp_path / "herd"


def scored(herd: Path, *words: str) -> list[dict[str, Any]]:
    """The results of both students."""
    from lamini.children import here
    from lamini.evaluation.command import check
    from lamini.evaluation.running import evaluate

    folder = herd.parent
    places = [f"paths.output_dir={folder}/outputs", f"paths.cache_dir={folder}/cache"]
    config = compose("evaluate", [f"students={herd}", "device=cpu", "threads=1", *places, *words])
    check(config)
    assert evaluate(config, here) == 0
    return [toys.results(herd / name, config.suite.name) for name in ("a", "b")]


@pytest.mark.parametrize("beside", [False, True])
def test_oracle_needs_neither_rows_nor_network(herd: Path, beside: bool) -> None:
    folder = herd.parent / "rows"
    folder.mkdir()
    given = [f"data_dir={folder}"] if beside else []
    words = ["suite=oracle", "suite.limit=6", "wrapper=bare", *given]
    for found in scored(herd, *words):
        assert not found["failed"] and len(found["tasks"]) == 6
        for name, task in found["tasks"].items():
            metric = "acc" if name.endswith("_choices") else "exact_match"
            assert task["headline"] == metric and task[metric]["n"] == 6
            if metric == "acc":
                assert 0.25 <= task[metric]["chance"] < 0.3
            assert task["prompt_of_first"]


def test_own_tasks_with_choices_and_free_answers(herd: Path) -> None:
    folder = herd.parent
    rows = [("France", "Paris"), ("Italy", "Rome"), ("Spain", "Madrid")]
    cities = [city for _, city in rows]
    choices = f"output_type: multiple_choice\ndoc_to_choice: {cities}"
    texts = "output_type: generate_until\ngeneration_kwargs: {until: ['.'], max_gen_toks: 8}"
    (folder / "tasks" / "deeper").mkdir(parents=True)
    (folder / "tasks" / "capitals.yaml").write_text(OWN.format(name="", more=choices))
    (folder / "tasks" / "deeper" / "free.yaml").write_text(OWN.format(name="_free", more=texts))
    (folder / "rows").mkdir()
    for name in ("capitals", "capitals_free"):
        lines = [json.dumps({"country": country, "city": city}) for country, city in rows]
        (folder / "rows" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    words = [
        "suite=custom", "suite.tasks=[capitals,capitals_free]", f"suite.include_path={folder}/tasks",
        f"data_dir={folder}/rows",
    ]  # fmt: skip
    for found in scored(herd, *words):
        assert not found["failed"]
        assert found["tasks"]["capitals"]["acc"]["n"] == 3
        assert found["tasks"]["capitals"]["acc"]["chance"] == pytest.approx(1 / 3)
        assert found["tasks"]["capitals_free"]["headline"] == "exact_match"


def test_ifeval_is_judged_by_lm_eval_from_rows_in_a_folder(herd: Path) -> None:
    for package in ifeval.PACKAGES:
        pytest.importorskip(package, reason=f"{package} comes with the extra ifeval")
    folder = herd.parent / "rows"
    model = folder / "nltk_data" / "tokenizers" / "punkt_tab" / "english"
    model.mkdir(parents=True)
    for name in ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab"):
        (model / name).write_text("")
    rows = [
        {"key": n, "prompt": f"Say {n}.", "instruction_id_list": [told], "kwargs": [{"num_words": 500}]}
        for n, told in enumerate(["punctuation:no_comma", "length_constraints:number_words"])
    ]
    rows[0]["kwargs"] = [{"num_words": None}]
    (folder / "ifeval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for found in scored(herd, "suite=ifeval", f"data_dir={folder}"):
        task = found["tasks"]["ifeval"]
        assert task["headline"] == "prompt_level_strict_acc"
        names = [f"{level}_level_{kind}_acc" for level in ("prompt", "inst") for kind in ("strict", "loose")]
        assert {task[name]["n"] for name in names} == {2}
