"""Whole evaluations of tiny students: what is written, kept, continued, and who fails alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from lm_eval.evaluator import simple_evaluate
from lm_eval.tasks import TaskManager
from safetensors.torch import load_file, save_file

from lamini.evaluation.benchmarks import scoring
from lamini.evaluation.scorer import Scorer
from tests.evaluation.benchmarks import toys


@pytest.fixture
def herd(tmp_path: Path) -> Path:
    toys.tasks(tmp_path)
    toys.run_folder(tmp_path / "herd", "a", "gpt2")
    toys.run_folder(tmp_path / "herd", "b", "t5")
    return tmp_path / "herd"


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many log-probabilities were computed, call by call."""
    counts: list[int] = []
    original = Scorer._loglikelihood_tokens

    def counting(self: Scorer, requests: Any, *more: Any, **named: Any) -> Any:
        counts.append(len(requests))
        return original(self, requests, *more, **named)

    monkeypatch.setattr(Scorer, "_loglikelihood_tokens", counting)
    yield counts


def test_a_herd_is_scored_and_the_numbers_are_lm_evals(
    herd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = herd.parent
    assert toys.run(herd, folder) == 0
    for name, wrapper in (("a", "alpaca"), ("b", "bare")):
        found = toys.results(herd / name)
        assert found["wrapper"] == wrapper and list(found["tasks"]) == ["quiz", "second"]
        assert found["student"]["scratch"] and found["limit"] is None and not found["failed"]
        assert set(found["versions"]) >= {"lm_eval", "lamini", "transformers", "torch", "python"}
        manager = TaskManager(include_path=str(folder / "yaml"), include_defaults=False)
        loaded = manager.load([_with_rows(folder)])
        scorer = Scorer(str(herd / name / "export"), wrapper=wrapper, device="cpu")
        theirs = simple_evaluate(scorer, tasks=list(loaded["tasks"].values()), bootstrap_iters=10)
        assert theirs is not None
        for metric in ("acc", "acc_norm"):
            ours = found["tasks"]["quiz"][metric]
            assert ours["value"] == theirs["results"]["quiz"][f"{metric},none"]
            assert ours["stderr"] == pytest.approx(theirs["results"]["quiz"][f"{metric}_stderr,none"])
            assert ours["n"] == 6 and ours["chance"] == pytest.approx((4 / 3 + 2 / 2) / 6)
        values = [found["tasks"][task]["acc"]["value"] for task in ("quiz", "second")]
        assert found["mean"]["value"] == pytest.approx(sum(values) / 2)
        first = found["tasks"]["quiz"]["prompt_of_first"]
        assert toys.QUIZ[0][0] in first and first.endswith("Response:") == (name == "a")
    out = capsys.readouterr().out
    assert "[1/2] a (alpaca), 2 task(s)" in out and "a *" in out and "chance" in out and "b - a" in out


def _with_rows(folder: Path) -> dict[str, Any]:
    rows = str(folder / "rows" / "quiz.jsonl")
    return {
        "task": "quiz", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": rows}},
        "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "{{question}}",
        "doc_to_target": "{{gold}}", "doc_to_choice": "{{choices}}",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }  # fmt: skip


def test_what_is_scored_is_skipped_and_a_change_is_noticed(herd: Path, computed: list[int]) -> None:
    folder = herd.parent
    run = herd / "a"
    assert toys.run(run, folder) == 0
    once, first = computed.copy(), (run / "evaluation" / "custom.json").read_text()
    assert toys.run(run, folder) == 0
    assert computed == once and (run / "evaluation" / "custom.json").read_text() == first
    toys.run(run, folder, "suite.tasks=[second]")  # fewer tasks: nothing to compute, but another mean
    assert computed == once and list(toys.results(run)["tasks"]) == ["second"]
    toys.run(run, folder)  # and back: from the store
    assert computed == once and json.loads(first)["mean"] == toys.results(run)["mean"]
    toys.tasks(folder, version=2.0)  # another version of the tasks, the same requests
    toys.anew()
    toys.run(run, folder)
    assert computed == once and toys.results(run)["tasks"]["quiz"]["version"] == "2.0"
    toys.run(run, folder, "force=true")
    assert sum(computed) == 2 * sum(once)
    weights = load_file(run / "export" / "model.safetensors")
    save_file(
        {name: 2 * one for name, one in weights.items()},
        run / "export" / "model.safetensors",
        {"format": "pt"},
    )
    toys.run(run, folder)
    assert sum(computed) == 3 * sum(once)


def test_an_interrupted_evaluation_continues_with_what_is_missing(
    herd: Path, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = herd.parent, herd / "a"
    original, batches = scoring.RequestStore.add, 0

    def interrupted(self: Any, key: str, answer: Any) -> None:
        nonlocal batches
        batches += 1
        if batches == 10:
            raise KeyboardInterrupt
        original(self, key, answer)

    monkeypatch.setattr(scoring.RequestStore, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        toys.run(run, folder)
    assert not (run / "evaluation" / "custom.json").exists()
    monkeypatch.setattr(scoring.RequestStore, "add", original)
    assert toys.run(run, folder) == 0
    assert computed[1] == computed[0] - 9
    whole = toys.results(run)
    assert toys.run(run, folder, "force=true") == 0
    again = toys.results(run)
    assert again["tasks"]["quiz"]["acc"] == whole["tasks"]["quiz"]["acc"]


def test_a_task_that_fails_fails_alone(herd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = herd.parent
    row = {"question": "What?", "choices": ["yes", "no"], "gold": 0}
    silent = {"question": "What?", "choices": ["yes", ""], "gold": 0}
    toys.write_task(folder, "empty", [row, silent], more=f'{toys.CHOICES}\ntarget_delimiter: ""')
    toys.write_task(folder, "wrong", [row] * 2, more=f"{toys.CHOICES}\nprocess_results: !function own.judge")
    (folder / "yaml" / "own.py").write_text(
        "def judge(doc, results):\n    return {'acc': 1 / len(results[9])}\n"
    )
    tasks = "suite.tasks=[quiz,empty,wrong,second]"
    assert toys.run(f"{herd}/a", folder, tasks) == 1
    found = toys.results(herd / "a")
    assert list(found["tasks"]) == ["quiz", "second"] and set(found["failed"]) == {"empty", "wrong"}
    captured = capsys.readouterr()
    assert "failed  a, empty: empty, row 1: the answer '' has no tokens" in captured.out
    assert "failed  a, wrong: IndexError: list index out of range" in captured.out
    assert found["mean"]["tasks"] == 2


def test_a_student_that_fails_fails_alone(herd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = herd.parent
    toys.run_folder(herd, "cut", "gpt2")
    toys.run_folder(herd, "nan", "gpt2")
    toys.run_folder(herd, "mute", "t5")
    toys.run_folder(herd, "part", "t5")
    weights = herd / "cut" / "export" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    spoiled = load_file(herd / "nan" / "export" / "model.safetensors")
    name = next(name for name in spoiled if "wte" in name)
    spoiled[name] = torch.full_like(spoiled[name], float("nan"))
    save_file(spoiled, herd / "nan" / "export" / "model.safetensors", {"format": "pt"})
    (herd / "mute" / "export" / "tokenizer.json").unlink()
    lost = load_file(herd / "part" / "export" / "model.safetensors")
    del lost["encoder.final_layer_norm.weight"]
    save_file(lost, herd / "part" / "export" / "model.safetensors", {"format": "pt"})
    assert toys.run(herd, folder) == 1
    out = capsys.readouterr().out
    assert toys.results(herd / "a")["tasks"] and toys.results(herd / "b")["tasks"]
    for student, why in (
        ("cut", "is cut short"), ("nan", "is NaN"), ("mute", "has no tokenizer"), ("part", "lacks 1 weights"),
    ):  # fmt: skip
        assert not (herd / student / "evaluation" / "custom.json").exists()
        assert f"failed  {student}: " in out and why in out, student


def test_both_wrappers_and_their_difference(herd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, run = herd.parent, herd / "a"
    assert toys.run(run, folder) == 0
    assert toys.run(run, folder, "wrapper=both") == 0
    found = toys.results(run)
    assert found["wrapper"] == "alpaca" and list(found["others"]) == ["bare"]
    bare = found["others"]["bare"]
    for task in ("quiz", "second"):
        ours, theirs = found["tasks"][task]["acc"]["value"], bare["tasks"][task]["acc"]["value"]
        assert bare["difference"][task]["value"] == pytest.approx(theirs - ours)
    assert bare["difference"]["mean"]["n"] == 12
    assert bare["tasks"]["quiz"]["prompt_of_first"] == toys.QUIZ[0][0]
    out = capsys.readouterr().out
    assert "  bare" in out and "  difference" in out
    assert toys.run(run, folder, "wrapper=bare") == 0
    assert toys.results(run)["others"]["bare"]["tasks"] == bare["tasks"]


def test_samples_tell_what_was_asked_and_answered(herd: Path) -> None:
    folder, run = herd.parent, herd / "b"
    assert toys.run(run, folder, "suite.tasks=[quiz,texts]") == 0
    outcomes = pq.read_table(run / "evaluation" / "custom.outcomes.parquet").to_pylist()
    assert [row["row"] for row in outcomes] == [*range(6), *range(6)]
    assert not (run / "evaluation" / "custom.samples.parquet").exists()
    assert toys.run(run, folder, "suite.tasks=[quiz,texts]", "samples=true") == 0
    rows = pq.read_table(run / "evaluation" / "custom.samples.parquet").to_pylist()
    assert [row["task"] for row in rows] == ["quiz"] * 6 + ["texts"] * 6
    for row, (text, choices, gold) in zip(rows[:6], toys.QUIZ, strict=True):
        assert row["prompt"] == text and row["choices"] == [f" {choice}" for choice in choices]
        assert row["target"] == str(gold)
        best = max(range(len(choices)), key=lambda number: row["log_probabilities"][number])
        assert row["answer"] == f" {choices[best]}" and row["correct"] == float(best == gold)
        assert len(row["greedy"]) == len(choices)
    assert rows[6]["choices"] is None and isinstance(rows[6]["answer"], str)
    found = toys.results(run)["tasks"]
    correct = [row["correct"] for row in rows[:6]]
    assert found["quiz"]["acc"]["value"] == pytest.approx(sum(correct) / 6)
    assert found["texts"]["headline"] == "exact_match"


def test_a_try_with_a_limit_leaves_the_whole_result_alone(herd: Path) -> None:
    folder, run = herd.parent, herd / "b"
    assert toys.run(run, folder) == 0
    whole = toys.results(run)
    assert toys.run(run, folder, "limit=2") == 0
    assert toys.results(run) == whole
    part = toys.results(run, "custom,limit=2")
    assert part["limit"] == 2 and part["tasks"]["quiz"]["acc"]["n"] == 2
    assert toys.run(run, folder, "suite.limit=3") == 0  # the suite's own: it is the suite's result
    assert toys.results(run)["tasks"]["quiz"]["acc"]["n"] == 3


def test_contexts_that_are_cut_are_counted_by_task(herd: Path) -> None:
    folder, run = herd.parent, herd / "a"
    long = [{"question": "Which is larger? " * 80, "choices": ["yes", "no"], "gold": 0}]
    toys.write_task(folder, "long", long * 2)
    assert toys.run(run, folder, "suite.tasks=[quiz,long]") == 0
    tasks = toys.results(run)["tasks"]
    assert tasks["quiz"]["cut"] == 0 and tasks["long"]["cut"] == 4


def test_a_headline_that_a_task_does_not_have_is_named(herd: Path) -> None:
    folder, run = herd.parent, herd / "b"
    assert toys.run(run, folder, "suite.tasks={quiz:{metric:f1},second:{metric:acc_norm}}") == 1
    found = toys.results(run)
    assert "quiz has no metric f1; it has: acc, acc_norm" in found["failed"]["quiz"]
    assert found["tasks"]["second"]["headline"] == "acc_norm"
