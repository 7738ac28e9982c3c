"""Refusals strike at teachers that decline, and at nothing that only sounds like it."""

from __future__ import annotations

import gzip
import json

import pytest

from lamini.curation.refusals import refusal
from tests.data.toys import shared_data

DECLINES = [
    "As an AI language model, I cannot taste food.",
    "As an artificial intelligence, I don't have feelings.",
    "I'm sorry, but as an AI language model I do not have access to real-time data.",
    "I'm sorry, but I can't assist with that.",
    "I’m sorry, I cannot fulfill this request.",
    "I apologize, but I cannot provide instructions for that.",
    "Unfortunately, I am unable to access the internet.",
    "I am not able to generate a logo, as this requires an image.",
    "I cannot create a visual of the solar system.",
    "I'm just an AI and cannot have opinions.",
    "Sorry, the task involves audio output. Due to the unreliable generation, we cannot complete this task.",
    "This instruction cannot be completed by a GPT language model.",
    "<nooutput> This type of instruction cannot be fulfilled by a GPT model.",
    "Es tut mir leid, aber ich kann dabei nicht helfen.",
    "Als KI habe ich keine Gefühle.",
    "Je suis désolé, mais je ne peux pas vous aider.",
    "En tant qu'IA, je n'ai pas d'émotions.",
    "Lo siento, pero no puedo ayudar con eso.",
    "Mi dispiace, ma non posso aiutarti.",
    "Desculpe, mas não posso ajudar com isso.",
]
ANSWERS = [
    "I cannot stress enough how important strong passwords are.",
    "I cannot emphasize enough the importance of using strong, unique passwords.",
    "I can't stand being tardy for an event.",
    "I can't believe it; against all odds, I've found water on Mars!",
    "I'm sorry for what I said and did. I regret it and I hope you can forgive me.",
    "I'm sorry to hear that. Is there anything I can do to help?",
    "Sorry, I won't be able to make it to the meeting.",
    "I apologize for the inconvenience. We will make sure that you receive the correct item.",
    "Unfortunately, the store will be closed today.",
    "I cannot resist the feeling of joy that comes with ice cream.",
    "I don't have any money.",
    "As AI technology advances, it is becoming increasingly prevalent in education.",
    "As an AI researcher, she could not ignore the results.",
    "As a model citizen, I pay my taxes.",
    "The model cannot be trained without data.",
    "This task requires patience and a sharp knife.",
    "I would say: as an AI language model I cannot do that.",
    "He cannot assist with that.",
    "Leider war das Wetter schlecht.",
    "Leider kann ich heute nicht kommen.",
    "Als KI bezeichnet man künstliche Intelligenz.",
    "Lo siento, no puedo ir a la fiesta.",
    "Purtroppo non posso venire stasera.",
    "Je suis désolée, mais je ne peux pas venir.",
    "Tom cannot provide for his family.",
    "Je suis désolé pour votre perte.",
    "Como una familia, no podemos rendirnos.",
]


@pytest.mark.parametrize("response", DECLINES)
def test_declines(response: str) -> None:
    assert refusal(response) is not None


@pytest.mark.parametrize("response", ANSWERS)
def test_answers(response: str) -> None:
    assert refusal(response) is None


def test_what_is_found_names_the_rule_and_the_words() -> None:
    assert refusal("As an AI language model, I cannot taste food.") == (
        "speaks as a model: 'as an ai language model, i cannot'"
    )


def test_real_answers_of_gpt4_are_none() -> None:
    for name in ("gpteacher_roleplay", "gpteacher_codegen", "natural_instructions_v1_gpt3"):
        with gzip.open(shared_data() / "train" / f"{name}.jsonl.gz", "rt") as lines:
            found = [refusal(json.loads(line)["response"]) for line in lines]
        assert len(found) >= 900 and not any(found)


def test_davinci_declines_about_once_in_a_thousand_alpaca_rows() -> None:
    """Each of the 39 was read: 38 decline, one quotes a declining assistant that it was asked to write."""
    with gzip.open(shared_data() / "train" / "alpaca.jsonl.gz", "rt") as lines:
        struck = [row["output"] for row in map(json.loads, lines) if refusal(row["output"])]
    assert len(struck) == 39
    assert all(
        any(
            word in text
            for word in ("GPT", "model", "able", "visual", "cannot", "possible", "output", "task")
        )
        for text in struck
    )
