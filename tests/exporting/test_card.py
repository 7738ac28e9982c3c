"""The card carries what evaluate.py found, once, with rows and chance; training's own facts stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from lamini.errors import UserError
from lamini.evaluation.subjects import Subject
from lamini.exporting.card import card_of, scores
from tests.evaluation.exported import student, subject

RTE = {"acc": {"value": 0.5271, "stderr": 0.03, "n": 277, "chance": 0.5}, "headline": "acc", "version": 1}
PERPLEXED = {"word_perplexity": {"value": 31.7, "stderr": None, "n": 40, "chance": None}}


@pytest.fixture
def scored(tmp_path: Path) -> Subject:
    made = subject(tmp_path, "run", student("gpt2"))
    write(made, "nlp15", {"rte": RTE, "wiki": {**PERPLEXED, "headline": "word_perplexity"}})
    write(made, "nlp15,limit=8", {"rte": RTE}, limit=8)
    write(made, "answers", {"counts": 3})
    return made


def write(made: Subject, name: str, tasks: Any, limit: int | None = None) -> None:
    file = made.folder / "evaluation" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"format": 1, "suite": name, "limit": limit, "tasks": tasks}))


def test_the_headline_of_each_task_and_no_part_of_one(scored: Subject) -> None:
    assert [(one.suite, one.task, one.metric, one.value) for one in scores(scored.folder)] == [
        ("nlp15", "rte", "acc", 0.5271), ("nlp15", "wiki", "word_perplexity", 31.7),
    ]  # fmt: skip


def test_the_card_says_it_to_people_and_to_the_hub(scored: Subject, tmp_path: Path) -> None:
    card = card_of(scored)
    assert "| nlp15 | rte | acc | 52.7 ± 3.0 | 277 | 50.0 |" in card.text
    assert "| nlp15 | wiki | word_perplexity | 31.7 | 40 |  |" in card.text
    assert "Trained from scratch" in card.text, "the card of the training is still there"
    assert card.text.index("## Scores") < card.text.index("## Use")
    card.save(tmp_path / "README.md")
    data: Any = ModelCard.load(tmp_path / "README.md").data
    found = {(one.dataset_type, one.metric_type): one.metric_value for one in data.eval_results}
    assert found[("rte", "acc")] == 0.5271 and data.library_name == "transformers"


def test_new_scores_replace_the_old_ones(scored: Subject) -> None:
    file = Path(scored.source) / "README.md"
    card_of(scored).save(file)
    write(scored, "nlp15", {"rte": {**RTE, "acc": {**RTE["acc"], "value": 0.61}}})  # type: ignore[dict-item]
    card = card_of(scored)
    data: Any = card.data
    assert card.text.count("## Scores") == 1 and "61.0 ± 3.0" in card.text and "52.7" not in card.text
    assert [one.metric_value for one in data.eval_results if one.dataset_type == "rte"] == [0.61]
    assert card.text.count("## Use") == 1


def test_a_student_without_scores_keeps_its_card(tmp_path: Path) -> None:
    made = subject(tmp_path, "run", student("t5"))
    assert str(card_of(made)) == str(ModelCard.load(Path(made.source) / "README.md"))


def test_a_torn_file_is_named(scored: Subject) -> None:
    (scored.folder / "evaluation" / "torn.json").write_text('{"suite": "nl')
    with pytest.raises(UserError, match="torn.json cannot be read .*; score the student again, or remove it"):
        card_of(scored)
