"""Echoes: what repeats the instruction and nothing else."""

from __future__ import annotations

import gzip
import json

import pytest

from lamini.curation.echoes import echo
from tests.data.toys import shared_data

WHOLE, START = "repeats the instruction", "repeats the beginning of the instruction"
TEN = "Name ten rivers of Asia that flow into the sea"
ECHOES = [
    ("Create a looping GIF of a cat running.", "Create a looping GIF of a cat running.", WHOLE),
    ("Name the longest river.", '"NAME the longest river"', WHOLE),
    ("Name the longest river.", "Sure, here is the answer: name the longest river", WHOLE),
    ("Question: What is the longest river?", "what is the longest river", WHOLE),
    (TEN, "Name ten rivers of Asia that flow into the", START),
]
ANSWERS = [
    ("The longest river is the", "The longest river is the Nile."),
    ("What is the longest river?", "What is the longest river? The Nile."),
    ("Repeat after me: the rain in Spain", "The rain in Spain"),
    ("Good morning!", "Good morning!"),
    ("Is this positive or negative: I love it", "positive"),
    ("Correct the sentence: He go to school by bus", "He goes to school by bus"),
    (TEN, "Name ten rivers of Asia"),
    (TEN, "Ganges, Mekong, Indus"),
    (
        "Write a function that adds two numbers",
        "# Write a function that adds two numbers\ndef add(a, b): return a + b",
    ),
    ("", ""),
    ("...", "..."),
    ("Answer the question: is this a task?", "Yes."),
]


@pytest.mark.parametrize(("instruction", "response", "found"), ECHOES)
def test_echoes(instruction: str, response: str, found: str) -> None:
    assert echo(instruction, response) == found


@pytest.mark.parametrize(("instruction", "response"), ANSWERS)
def test_answers(instruction: str, response: str) -> None:
    assert echo(instruction, response) is None


def test_real_answers() -> None:
    """Of Alpaca's 50,002 responses one is an echo; raw GPT-3 and GPT-4 have none."""
    struck = []
    for name in ("alpaca", "natural_instructions_v1_gpt3", "gpteacher_roleplay"):
        with gzip.open(shared_data() / "train" / f"{name}.jsonl.gz", "rt") as lines:
            for row in map(json.loads, lines):
                asked = f"{row['instruction']}: {row['input']}" if row.get("input") else row["instruction"]
                if echo(asked, row.get("output", row.get("response"))):
                    struck.append(asked)
    assert struck == ["Create a looping GIF of a cat running."]
