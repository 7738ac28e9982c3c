"""The YAML tasks in lm-eval's hands: their numbers are those of training, and no network is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lm_eval
import pytest
import torch
from lm_eval.tasks import TaskManager
from transformers import PreTrainedModel

from lamini.evaluation import held_out
from lamini.evaluation.oracle_tasks import FOLDER
from lamini.evaluation.scorer import Scorer
from lamini.students.decoder_only import DecoderOnly
from lamini.students.encoder_decoder import EncoderDecoder
from lamini.students.export import export
from lamini.students.protocol import Student
from tests.students import tiny

AXES = ["new_instances", "new_phrasings", "unseen_kinds"]
ROWS = 12


@pytest.fixture(scope="module")
def axes() -> dict[str, Any]:
    from lamini.data.options import OracleData

    return OracleData(pairs=1, held_out=300, fault_rate=0.0, seed=0).load(Path("unused"), 0).held_out


def student_of(kind: str) -> Student:
    if kind == "t5":
        tokenizer = tiny.t5_tokenizer()
        return EncoderDecoder(tokenizer, 256, "bare", tiny.t5(len(tokenizer)))
    tokenizer = tiny.gpt2_tokenizer()
    return DecoderOnly(tokenizer, 512, "alpaca", tiny.causal(kind, len(tokenizer), context=512))


def taught(student: Student, pairs: list[tuple[str, str]]) -> Student:
    """The student after some steps on these pairs."""
    batch = tiny.batch_of(student, pairs)
    model: PreTrainedModel = student.ready()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(150):
        total, count = student.loss(batch)
        (total / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if total / count < 0.02:
            break
    model.eval()
    return student


def scored(model: Any, tasks: list[str], limit: int | None = None) -> dict[str, dict[str, Any]]:
    """What lm-eval makes of a model and tasks."""
    found = lm_eval.simple_evaluate(
        model=model, tasks=tasks, limit=limit, bootstrap_iters=0, log_samples=False,
        task_manager=TaskManager(include_path=str(FOLDER), include_defaults=False),
    )  # fmt: skip
    assert found is not None
    return found["results"]


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_exact_match_is_what_training_says(kind: str, axes: dict[str, Any], tmp_path: Path) -> None:
    student = student_of(kind)
    known = held_out.rows(axes["new_instances"], 5) + held_out.rows(axes["new_phrasings"], 3)
    taught(student, [(row["instruction"], row["response"]) for row in known])
    ours = held_out.score(axes, ROWS, lambda asked: student.generate(asked, 64))
    assert 0 < ours["new_instances"] < 1  # something to agree on
    export(student, tmp_path / "export", {"name": "x", "init": "scratch", "data": "oracle"})
    scorer = Scorer(str(tmp_path / "export"), device="cpu", dtype="float32")
    results = scored(scorer, [f"oracle_{axis}" for axis in AXES], ROWS)
    assert {axis: results[f"oracle_{axis}"]["exact_match,none"] for axis in AXES} == ours


@pytest.mark.parametrize("kind", ["t5", "gpt2"])
def test_a_student_that_knows_the_answers_chooses_them(kind: str, axes: dict[str, Any]) -> None:
    student = student_of(kind)
    known = held_out.rows(axes["new_instances"], ROWS)
    taught(student, [(row["instruction"], row["response"]) for row in known])
    scorer = Scorer(student.ready(), tokenizer=student.tokenizer, wrapper=student.wrapper)
    found = scored(scorer, ["oracle_new_instances_choices"], ROWS)["oracle_new_instances_choices"]
    blank = student_of(kind)
    guessed = scored(
        Scorer(blank.ready().eval(), tokenizer=blank.tokenizer), ["oracle_new_instances_choices"], ROWS
    )["oracle_new_instances_choices"]
    assert found["acc,none"] > 0.7 > guessed["acc,none"]


def test_tasks_are_built_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    manager = TaskManager(include_path=str(FOLDER), include_defaults=False)
    names = [f"oracle_{axis}{end}" for axis in AXES for end in ("", "_choices")]
    assert sorted(manager.all_tasks) == sorted(names)
    tasks = manager.load(names)["tasks"]
    assert {len(task.eval_docs) for task in tasks.values()} == {300}
    for name, task in tasks.items():
        doc = task.eval_docs[0]
        assert task.doc_to_text(doc) == doc["instruction"]  # no template reads it
        if name.endswith("choices"):
            assert task.doc_to_choice(doc)[task.doc_to_target(doc)] == doc["choices"][doc["label"]]
