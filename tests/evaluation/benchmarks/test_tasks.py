"""Tasks of lm-eval with rows from files: the ten real ones, made-up ones, and what can be wrong with them."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import lm_eval
import pytest

from lamini.errors import UserError
from lamini.evaluation.benchmarks import local_data, tasks
from lamini.evaluation.benchmarks.chance import chance, majority
from lamini.evaluation.benchmarks.tasks import load, load_tasks
from lamini.evaluation.scorer import Scorer
from tests.data.toys import shared_data
from tests.students import tiny

ROWS = {
    "openbookqa": 500, "race": 1045, "arc_challenge": 1172, "sst2": 872, "mrpc": 408, "rte": 277,
    "mnli": 9815, "wsc273": 273, "winogrande": 1267, "hellaswag": 10042,
}  # fmt: skip
HEADLINE = {"openbookqa": "acc_norm", "arc_challenge": "acc_norm", "hellaswag": "acc_norm"}
RTE = [{"sentence1": f"It is {n}.", "sentence2": "It is odd.", "label": n % 2, "idx": n} for n in range(5)]


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """With data_dir nothing may even look up a name."""

    def refuse(*arguments: Any, **more: Any) -> Any:
        raise AssertionError(f"a socket was asked for: {arguments}")

    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_loaded", {})


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """As JSON Lines or CSV, by the suffix."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def failure(name: str, folder: Path, include: Path | None = None) -> str:
    tasks._loaded.clear()
    found, failed = load_tasks([name], folder, include)
    assert not found
    return failed[name]


def test_the_real_files_are_loaded_and_scored_without_a_socket() -> None:
    folder = shared_data() / "eval"
    loaded = load([*ROWS, "piqa", "sciq"], folder, None)
    assert set(loaded.failed) == {"piqa", "sciq"}
    assert "holds no piqa.jsonl.gz, .jsonl, .parquet or .csv" in loaded.failed["piqa"]
    assert {name: len(task.eval_docs) for name, task in loaded.tasks.items()} == ROWS
    tokenizer = tiny.gpt2_tokenizer()
    scorer = Scorer(tiny.causal("gpt2", len(tokenizer)), tokenizer=tokenizer, wrapper="alpaca")
    found = lm_eval.evaluate(scorer, loaded.task_dict(), limit=3, bootstrap_iters=0)
    assert found is not None
    for name in ROWS:
        value = found["results"][name][f"{HEADLINE.get(name, 'acc')},none"]
        assert 0 <= value <= 1
        assert found["n-samples"][name] == {"original": ROWS[name], "effective": 3}


def test_chance_and_majority_of_the_real_files() -> None:
    names = ["openbookqa", "arc_challenge", "winogrande", "wsc273", "mrpc", "mnli"]
    found, _ = load_tasks(names, shared_data() / "eval", None)
    assert chance(found["openbookqa"], "acc_norm") == 0.25
    assert chance(found["arc_challenge"], "acc_norm") == pytest.approx(
        0.25, abs=0.01
    )  # some have 3 or 5 choices
    assert chance(found["winogrande"]) == chance(found["wsc273"]) == chance(found["mrpc"]) == 0.5
    assert chance(found["mnli"]) == pytest.approx(1 / 3)
    assert chance(found["mrpc"], "f1") is None
    assert majority(found["mrpc"]) == pytest.approx(
        0.684, abs=0.0005
    )  # the paper's GPT-Neo and Cerebras bases
    assert majority(found["openbookqa"]) is None


def test_chance_of_a_task_with_its_own_scoring(tmp_path: Path) -> None:
    row = {
        "passage": "p", "query": "@placeholder", "entities": ["Ann", "Ann Lee", "Rome", "Bob"],
        "answers": ["Ann Lee"],
    }  # fmt: skip
    write(tmp_path / "record.jsonl", [row, {**row, "entities": ["Ann Lee", "Rome"]}])
    found, failed = load_tasks(["record"], tmp_path, None)
    assert not failed
    assert chance(found["record"], "f1") == pytest.approx(((1 + 2 / 3) / 4 + 1 / 2) / 2)
    assert chance(found["record"], "em") == pytest.approx((1 / 4 + 1 / 2) / 2)


def test_loading_is_done_once_and_prompts_are_those_of_stock_lm_eval(tmp_path: Path) -> None:
    from lm_eval.tasks import TaskManager

    from lamini.evaluation.benchmarks.names import task_folder

    write(tmp_path / "rte.jsonl", RTE)
    found, _ = load_tasks(["rte"], tmp_path, None)
    assert load_tasks(["rte"], tmp_path, None)[0]["rte"] is found["rte"]
    (tmp_path / "yaml").mkdir()
    (tmp_path / "yaml" / "rte.yaml").write_text(
        f"include: {task_folder()}/glue/rte/default.yaml\ntask: stock\n"
        "dataset_path: json\ndataset_name: null\n"
        f"dataset_kwargs: {{data_files: {{validation: {tmp_path}/rte.jsonl}}, cache_dir: {tmp_path}/cache}}\n"
        "training_split: null\n"
    )
    stock = TaskManager(include_defaults=False, include_path=str(tmp_path / "yaml")).load("stock")["tasks"][
        "stock"
    ]
    assert len(found["rte"].eval_docs) == 5
    for task in (found["rte"], stock):
        task.set_config("num_fewshot", 0)
        task.build_all_requests()
    assert [r.args for r in found["rte"].instances] == [r.args for r in stock.instances]


def test_every_format_gives_the_same_prompts(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for kind in ("jsonl", "csv", "parquet", "jsonl.gz"):
        (tmp_path / kind).mkdir()
    write(tmp_path / "jsonl" / "rte.jsonl", RTE)
    write(tmp_path / "csv" / "rte.csv", RTE)
    pq.write_table(pa.Table.from_pylist(RTE), tmp_path / "parquet" / "rte.parquet")
    with gzip.open(tmp_path / "jsonl.gz" / "rte.jsonl.gz", "wb") as file:
        file.write((tmp_path / "jsonl" / "rte.jsonl").read_bytes())
    read = []
    for folder in sorted(tmp_path.iterdir()):
        found, failed = load_tasks(["rte"], folder, None)
        assert not failed
        found["rte"].build_all_requests()
        read.append([(r.args, found["rte"].doc_to_target(r.doc)) for r in found["rte"].instances])
    assert read[0] == read[1] == read[2] == read[3]
    assert read[0][3][0][1] == " False" and read[0][3][1] == 1


def test_numbers_of_a_csv_are_text_where_the_task_needs_text(tmp_path: Path) -> None:
    rows = [
        {"sentence": "The _ barks.", "option1": "dog", "option2": "cat", "answer": str(n)} for n in (1, 2)
    ]
    write(tmp_path / "winogrande.csv", rows)
    found, failed = load_tasks(["winogrande"], tmp_path, None)
    assert not failed
    assert [found["winogrande"].doc_to_text(row) for row in found["winogrande"].eval_docs] == [0, 1]


def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path) -> None:
    renamed = [
        {"question" if key == "sentence2" else key: value for key, value in row.items()} for row in RTE
    ]
    write(tmp_path / "rte.jsonl", renamed)
    assert failure("rte", tmp_path) == (
        f"{tmp_path}/rte.jsonl has no column sentence2, which lm-eval's doc_to_text reads;"
        " it has sentence1, question, label, idx"
    )
    write(
        tmp_path / "openbookqa.jsonl",
        [{"question": "a", "choices": {"text": ["b"], "label": ["A"]}, "answerKey": "A"}],
    )
    assert "no column question_stem" in failure("openbookqa", tmp_path)
    write(tmp_path / "race.jsonl", [{"article": "a", "question": "b"}])
    assert failure("race", tmp_path) == (
        f"{tmp_path}/race.jsonl does not suit lm-eval's race: its first row raises KeyError: 'problems';"
        " its columns must be those of EleutherAI/race high on the hub"
    )
    write(tmp_path / "hellaswag.jsonl", [{"ctx": "a", "endings": ["b"], "label": "0"}])
    assert "KeyError: 'ctx_a'" in failure("hellaswag", tmp_path)
    write(tmp_path / "mrpc.jsonl", [{**RTE[0], "label": -1}])
    assert failure("mrpc", tmp_path) == f"{tmp_path}/mrpc.jsonl has no answers: all of its label are negative"
    write(tmp_path / "sst2.jsonl", [{"sentence": "fine", "label": 1}, {"sentence": None, "label": 0}])
    assert failure("sst2", tmp_path) == f"{tmp_path}/sst2.jsonl, row 2 has no value in column sentence"
    write(tmp_path / "wic.jsonl", [{"sentence1": "a"}, {"sentence2": "b"}])
    assert "wic.jsonl, line 2 lacks sentence1, unlike the rows before it" in failure("wic", tmp_path)
    (tmp_path / "mnli.jsonl").write_text('{"premise": "a"\n')
    assert "mnli.jsonl, line 1: broken JSON" in failure("mnli", tmp_path)
    (tmp_path / "piqa.parquet").write_bytes(b"PAR1")
    assert "piqa.parquet is no intact parquet file" in failure("piqa", tmp_path)
    (tmp_path / "sciq.jsonl").write_text("\n")
    assert "sciq.jsonl has no rows" in failure("sciq", tmp_path)
    write(tmp_path / "rte.csv", RTE)
    assert "holds rte.jsonl and rte.csv; remove one of them" in failure("rte", tmp_path)


def test_one_wrong_file_does_not_stop_the_other_tasks(tmp_path: Path) -> None:
    write(tmp_path / "rte.jsonl", RTE)
    write(tmp_path / "mrpc.jsonl", [{"a": 1}])
    found, failed = load_tasks(["mrpc", "rte", "wnli", "nonsense"], tmp_path, None)
    assert list(found) == ["rte"] and set(failed) == {"mrpc", "wnli", "nonsense"}


def test_a_folder_is_checked_before_anything_is_imported(tmp_path: Path) -> None:
    write(tmp_path / "rte.jsonl", RTE)
    local_data.check(tmp_path, ["mrpc", "rte"])
    with pytest.raises(
        UserError, match=r"has the rows of none of the tasks \(mrpc.jsonl.gz\); mode=prefetch"
    ):
        local_data.check(tmp_path, ["mrpc"])
    with pytest.raises(UserError, match=f"is no folder; did you mean {tmp_path}"):
        local_data.check(tmp_path.with_name(tmp_path.name + "s"), ["mrpc"])


def test_a_file_may_have_another_name(tmp_path: Path) -> None:
    write(tmp_path / "entailment.jsonl", RTE)
    assert "holds no rte.jsonl.gz" in failure("rte", tmp_path)
    found, failed = load_tasks(["rte"], tmp_path, None, {"rte": "entailment"})
    assert not failed and len(found["rte"].eval_docs) == 5


def test_examples_come_from_a_file_of_their_split(tmp_path: Path) -> None:
    rows = [{"question": f"What is {n} + {n}?", "answer": f"It is {2 * n}.\n#### {2 * n}"} for n in range(9)]
    write(tmp_path / "gsm8k.jsonl", rows[:2])
    assert "holds no gsm8k.train.jsonl.gz" in failure("gsm8k", tmp_path)
    write(tmp_path / "gsm8k.train.jsonl", rows[2:])
    tasks._loaded.clear()
    found, failed = load_tasks(["gsm8k"], tmp_path, None)
    assert not failed
    found["gsm8k"].build_all_requests()
    prompt = found["gsm8k"].instances[0].args[0]
    assert prompt.count("Question:") == 6 and prompt.endswith("What is 0 + 0?\nAnswer:")
    assert "What is 1 + 1?" not in prompt  # a row to be scored is no example


def test_a_group_of_ones_own_is_aggregated_by_lm_eval(tmp_path: Path) -> None:
    folder = tmp_path / "yaml"
    folder.mkdir()
    for name in ("first", "second"):
        (folder / f"{name}.yaml").write_text(
            f"task: {name}\ntag: both\ndataset_path: nobody/{name}\noutput_type: multiple_choice\n"
            "validation_split: validation\ndoc_to_text: '{{q}}'\ndoc_to_choice: ['no', 'yes']\n"
            "doc_to_target: label\nmetric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]\n"
        )
        write(tmp_path / f"{name}.jsonl", [{"q": "Is it?", "label": 0}, {"q": "Is it so?", "label": 1}])
    (folder / "pair.yaml").write_text(
        "group: pair\ntask: [first, second]\naggregate_metric_list: [{metric: acc, weight_by_size: false}]\n"
    )
    loaded = load(["pair"], tmp_path, folder)
    assert not loaded.failed and set(loaded.tasks) == {"first", "second"} and set(loaded.groups) == {"pair"}
    tokenizer = tiny.gpt2_tokenizer()
    scorer = Scorer(tiny.causal("gpt2", len(tokenizer)), tokenizer=tokenizer)
    found = lm_eval.evaluate(scorer, loaded.task_dict(), bootstrap_iters=0)
    assert found is not None
    values = [found["results"][name]["acc,none"] for name in ("first", "second")]
    assert found["results"]["pair"]["acc,none"] == pytest.approx(sum(values) / 2)
    assert set(load_tasks(["both"], tmp_path, folder)[0]) == {"first", "second"}
    shutil.move(tmp_path / "second.jsonl", tmp_path / "secund.jsonl")
    tasks._loaded.clear()
    assert "holds no second.jsonl.gz, .jsonl, .parquet or .csv (it has secund)" in failure(
        "pair", tmp_path, folder
    )


def test_without_a_hub_a_task_says_where_its_rows_may_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "silence", lambda: "nobody answers")
    monkeypatch.setattr(tasks, "cached", lambda path: False)
    _, failed = load_tasks(["rte"], None, None)
    assert failed["rte"] == (
        "its rows are nyu-mll/glue on the hub, which is not cached, and nobody answers; data_dir=<folder>"
        " takes them from files, mode=prefetch fetches those on a connected machine"
    )
