"""What a student reads of the first row of each of the 15 tasks, byte for byte: bare, and in Alpaca's prompt.

The authors wrapped every request's context, whatever it is: of WinoGrande and WSC273 that is the sentence up
to the pronoun with an option in its place, and the rest of the sentence is scored as the answer.
"""

from __future__ import annotations

import ast
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamini.evaluation.benchmarks.tasks import load
from lamini.evaluation.scorer import Scorer
from tests.data.toys import shared_data
from tests.students import tiny

BEFORE = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the"
    " request.\n\n### Instruction:\n"
)
AFTER = "\n\n### Response:"

MADE_UP: dict[str, dict[str, Any]] = {
    "sciq": {
        "question": "What do bees make?", "distractor1": "wax paper", "distractor2": "silk",
        "distractor3": "milk", "correct_answer": "honey", "support": " Bees make honey from nectar.",
    },
    "piqa": {"goal": "Open a jar.", "sol1": "Turn its lid.", "sol2": "Turn its label.", "label": 0},
    "record": {
        "passage": "Ann met Bob in Rome\n@highlight\nAnn is a baker\n@highlight\nBob likes bread",
        "query": "In Rome @placeholder met a baker", "entities": ["Bob", "Ann", "Rome", "Bob"],
        "answers": ["Bob", "Bob"], "idx": {"passage": 0, "query": 0},
    },
    "mnli_mismatch": {"premise": "It rains ", "hypothesis": " It is wet ", "label": 0, "idx": 0},
    "wic": {
        "word": "bank", "sentence1": "The bank is shut.", "sentence2": "We sat on the bank.", "start1": 4,
        "start2": 14, "end1": 8, "end2": 18, "label": 0, "idx": 0,
    },
}  # fmt: skip

Pairs = list[tuple[str, str]]


def _answers(context: str, *answers: str) -> Pairs:
    return [(context, f" {answer}") for answer in answers]


def _race(row: dict[str, Any]) -> Pairs:
    *before, last = ast.literal_eval(row["problems"])
    text = f"Article: {row['article']}\n\n"
    for problem in before:
        right = problem["options"]["ABCD".index(problem["answer"])]
        if problem["question"].endswith("  _  ."):
            text += problem["question"][:-5] + right + "\n"
        else:
            text += f"Question: {problem['question']}\nAnswer: {right}\n"
    return _answers(text + last["question"], *last["options"])


def _nli(row: dict[str, Any]) -> Pairs:
    hypothesis = row["hypothesis"].strip()
    hypothesis += "" if hypothesis.endswith(".") else "."
    context = f"{row['premise']}\nQuestion: {hypothesis} True, False or Neither?\nAnswer:"
    return _answers(context, "True", "Neither", "False")


def _winogrande(row: dict[str, Any]) -> Pairs:
    before, after = row["sentence"].split("_")
    return [(before + row[option], f" {after.strip()}") for option in ("option1", "option2")]


def _wsc273(row: dict[str, Any]) -> Pairs:
    """Of the councilmen and the demonstrators: their articles become lower-case inside the sentence."""
    before = row["text"][: row["pronoun_loc"]]
    after = row["text"][row["pronoun_loc"] + len(row["pronoun"]) :]
    options = [option[0].lower() + option[1:] for option in row["options"]]
    return [(before + option, f" {after}") for option in options]


READ: dict[str, Callable[[dict[str, Any]], Pairs]] = {
    "openbookqa": lambda row: _answers(row["question_stem"], *row["choices"]["text"]),
    "sciq": lambda row: _answers(
        "Bees make honey from nectar.\nQuestion: What do bees make?\nAnswer:",
        "wax paper", "silk", "milk", "honey",
    ),
    "race": _race,
    "arc_challenge": lambda row: _answers(f"Question: {row['question']}\nAnswer:", *row["choices"]["text"]),
    "piqa": lambda row: _answers("Question: Open a jar.\nAnswer:", "Turn its lid.", "Turn its label."),
    "record": lambda row: _answers(
        "Ann met Bob in Rome\n\n  - Ann is a baker.\n  - Bob likes bread.\n",
        "  - In Rome Ann met a baker", "  - In Rome Bob met a baker", "  - In Rome Rome met a baker",
    ),
    "sst2": lambda row: _answers(
        f"{row['sentence']}\nQuestion: Is this sentence positive or negative?\nAnswer:",
        "negative", "positive",
    ),
    "mrpc": lambda row: _answers(
        f"Sentence 1: {row['sentence1']}\nSentence 2: {row['sentence2']}\n"
        "Question: Do both sentences mean the same thing?\nAnswer:", "no", "yes",
    ),
    "rte": lambda row: _answers(
        f"{row['sentence1']}\nQuestion: {row['sentence2']} True or False?\nAnswer:", "True", "False"
    ),
    "mnli": _nli,
    "mnli_mismatch": lambda row: _answers(
        "It rains \nQuestion: It is wet. True, False or Neither?\nAnswer:", "True", "Neither", "False"
    ),
    "wsc273": _wsc273,
    "winogrande": _winogrande,
    "wic": lambda row: _answers(
        "Sentence 1: The bank is shut.\nSentence 2: We sat on the bank.\n"
        "Question: Is the word 'bank' used in the same way in the two sentences above?\nAnswer:", "no", "yes",
    ),
    "hellaswag": lambda row: _answers(
        f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}", *row["endings"]
    ),
}  # fmt: skip


def _first_row(name: str) -> dict[str, Any]:
    if name in MADE_UP:
        return MADE_UP[name]
    with gzip.open(shared_data() / "eval" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return dict(json.loads(file.readline()))


def _split(context: str, answer: str) -> tuple[bytes, bytes]:
    """lm-eval reads the white space that ends a context as the beginning of the answer (ReCoRD, bare)."""
    kept = context.rstrip()
    return kept.encode(), (context[len(kept) :] + answer).encode()


@pytest.mark.parametrize("name", READ)
def test_what_is_read_of_the_first_row(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = _first_row(name)
    (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    loaded = load([name], tmp_path, None)
    assert not loaded.failed
    loaded.tasks[name].build_all_requests()
    tokenizer = tiny.gpt2_tokenizer()
    pairs = READ[name](row)
    for wrapper, before, after in (("bare", "", ""), ("alpaca", BEFORE, AFTER)):
        scorer = Scorer(tiny.causal("gpt2", len(tokenizer)), tokenizer=tokenizer, wrapper=wrapper)
        seen: list[tuple[Any, list[int], list[int]]] = []
        monkeypatch.setattr(scorer, "_loglikelihood_tokens", seen.extend)
        scorer.loglikelihood(loaded.tasks[name].instances)
        read = [
            tuple(tokenizer.decode(ids, clean_up_tokenization_spaces=False).encode() for ids in pair)
            for _, *pair in seen
        ]
        assert read == [_split(before + context + after, answer) for context, answer in pairs]
