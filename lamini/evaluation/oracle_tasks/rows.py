"""Rows of an axis as lm-eval's documents, with free answers or with choices, and whether an answer is right.

The rows are those that data=oracle holds out, in its order, so that `exact_match` here and `held_out` in a
run.json are one number as long as seed and size are: lm-eval asks with its own `generate`, which allows every
answer 64 tokens and cuts long prompts from the left, training asks with ours (lamini/training/scoring.py).
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np
from datasets import Dataset

from lamini.evaluation.oracle_tasks.distractors import wrong_answers
from lamini.teacher.oracle import Row, generate, is_right


@lru_cache(maxsize=4)
def axes(seed: int, rows: int) -> dict[str, list[Row]]:
    """The three held-out axes, `rows` rows of each.

    Raises:
        UserError: the oracle has fewer.
    """
    return {axis: made for axis, made in generate(0, rows, seed).items() if axis != "train"}


def answered(axis: str, seed: int, rows: int, **_: Any) -> dict[str, Dataset]:
    """Documents with kind, instruction and the oracle's own response.

    Whatever else lm-eval's `metadata` brings along is of no use here.
    """
    return {
        "test": Dataset.from_list(
            [
                {"kind": row.kind, "instruction": row.instruction, "response": row.response}
                for row in axes(seed, rows)[axis]
            ]
        )
    }


def chosen(axis: str, seed: int, rows: int, **_: Any) -> dict[str, Dataset]:
    """Documents with kind, instruction, choices (the right one among them) and label, its place."""
    return {"test": Dataset.from_list([_with_choices(row, seed) for row in axes(seed, rows)[axis]])}


def _with_choices(row: Row, seed: int) -> dict[str, Any]:
    rng = random.Random(f"{seed}/{row.instruction}/choices")
    choices = [row.response, *wrong_answers(row.kind, row.instruction, rng)]
    rng.shuffle(choices)
    return {
        "kind": row.kind,
        "instruction": row.instruction,
        "choices": choices,
        "label": choices.index(row.response),
    }


def spelled(row: dict[str, Any]) -> list[str]:
    """The choices, then all of them again behind a blank.

    A response is encoded by itself in training, and whether its first token has a blank in it depends on the
    tokenizer: byte-level ones put none there, Metaspace puts one. The likelier spelling of a choice counts.
    """
    return [*row["choices"], *(f" {choice}" for choice in row["choices"])]


def picked(row: dict[str, Any], results: list[tuple[float, bool]]) -> dict[str, float]:
    """acc of the likeliest choice and acc_norm of the likeliest by the character; `results` as `spelled`.

    Of two choices with -2 and -3, and -9 and -1 behind a blank, the second is the likeliest with its -1.
    """
    lengths = np.array([len(choice) for choice in row["choices"]])
    best = np.array([logprob for logprob, _ in results]).reshape(2, -1).max(axis=0)
    right = row["label"]
    return {"acc": float(best.argmax() == right), "acc_norm": float((best / lengths).argmax() == right)}


def judged(row: dict[str, Any], answers: list[str]) -> dict[str, float]:
    """exact_match of one answer, by the check of its kind: 1 if right, else 0."""
    return {"exact_match": float(is_right(row["kind"], row["instruction"], answers[0]))}
