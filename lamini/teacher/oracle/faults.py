"""Deliberate mistakes in a share of the training answers.

Curation and rating need something to find, and a score needs a known share of noise to be read
against. Which rows are hit depends on the seed alone, and each carries the mark of its fault.
"""

import dataclasses
import random
from collections.abc import Callable

from lamini.teacher.oracle.rows import Row

FAULTS = ("wrong", "wordy", "malformed")
PREFIXES = ("Sure! Here is the answer:", "As an AI model, I would say:", "Of course! It is")
SUFFIXES = ("I hope this helps!", "Let me know if you need anything else.", "Have a nice day!")
_TRIES = 50

Right = Callable[[str, str, str], bool]


def make_faulty(rows: list[Row], rate: float, rng: random.Random, right: Right) -> list[Row]:
    """The rows with exactly round(rate * len(rows)) faulty answers; `right` is the check."""
    hit = rng.sample(range(len(rows)), round(rate * len(rows)))
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    faulty = list(rows)
    for index in hit:
        faulty[index] = spoiled(rows[index], by_kind[rows[index].kind], rows, rng, right)
    return faulty


def spoiled(row: Row, same: list[Row], all_rows: list[Row], rng: random.Random, right: Right) -> Row:
    """The row with a faulty answer, marked; `same` are others of its kind, to take a wrong answer from."""
    fault = rng.choice(FAULTS)
    if fault == "wrong":
        response = _wrong(row, same, all_rows, rng, right)
    elif fault == "wordy":
        response = f"{rng.choice(PREFIXES)} {row.response} {rng.choice(SUFFIXES)}"
    else:
        response = _malformed(row, rng, right)
    return dataclasses.replace(row, response=response, fault=fault)


def _wrong(row: Row, same: list[Row], all_rows: list[Row], rng: random.Random, right: Right) -> str:
    """Another instance's answer, of the same kind if one is found that is not right by chance."""
    for pool in (same, all_rows):
        for _ in range(_TRIES):
            other = rng.choice(pool).response
            if not right(row.kind, row.instruction, other):
                return other
    return ""


def _malformed(row: Row, rng: random.Random, right: Right) -> str:
    """An empty, cut or echoed answer."""
    choice = rng.choice(("", row.response[: len(row.response) // 2].rstrip(), row.instruction))
    return "" if right(row.kind, row.instruction, choice) else choice
