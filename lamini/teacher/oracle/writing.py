"""Kinds with room for the writer: a note, a title, a sentence, a list.

The oracle writes one text; its check accepts every text that does what was asked, because a
student's other wording is not a mistake.
"""

import random
import re

from lamini.teacher.oracle.kinds import ALPACA, GENERATED_FLAN, SELF_INSTRUCT, TOPIC, Fields, Kind
from lamini.teacher.oracle.vocabulary import ADJECTIVES, GROUPS, NAMES, PLACES, THINGS

_MOST_WORDS = 25


def _said(text: str) -> set[str]:
    words = re.findall(r"[a-z]+", text.casefold())
    return set(words) if len(words) <= _MOST_WORDS else set()


def _sample_note(rng: random.Random) -> Fields:
    a, b = rng.sample(NAMES, 2)
    return {"a": a, "b": b, "thing": rng.choice(THINGS)}


def _note(fields: Fields) -> str:
    return f"Dear {fields['b']}, thank you for the {fields['thing']}. Yours, {fields['a']}"


def _accepts_note(fields: Fields, text: str) -> bool:
    wanted = {word.casefold() for word in fields.values()}
    return wanted <= _said(text) and bool({"thank", "thanks"} & _said(text))


def _invitation(fields: Fields) -> str:
    place, day = fields["place"], fields["day"]
    return f"Dear {fields['name']}, please come to the {place} on {day}."


def _sample_title(rng: random.Random) -> Fields:
    return {"animal": rng.choice(GROUPS["animals"]), "thing": rng.choice(THINGS)} | {
        "place": rng.choice(PLACES)
    }


def _title(fields: Fields) -> str:
    return f"The {fields['animal']} and the {fields['thing']} in the {fields['place']}".title()


def _accepts_all(fields: Fields, text: str) -> bool:
    return {word.casefold() for word in fields.values()} <= _said(text)


def _sample_sentence(rng: random.Random) -> Fields:
    animal, place = rng.choice(GROUPS["animals"]), rng.choice(PLACES)
    return {"animal": animal, "place": place, "adjective": rng.choice(ADJECTIVES)}


def _sentence(fields: Fields) -> str:
    return f"The {fields['adjective']} {fields['animal']} is in the {fields['place']}."


def _accepts_sentence(fields: Fields, text: str) -> bool:
    return _accepts_all(fields, text) and len(text.split()) > len(fields)


WRITING_KINDS = (
    Kind(
        name="thank_you_note",
        sources=(ALPACA, SELF_INSTRUCT, TOPIC),
        phrasings=(
            "Write a note in which {a} thanks {b} for the {thing}.",
            "{b} gave {a} a {thing}. Write the note of thanks.",
            "Help {a} to thank {b} for the {thing}.",
            "How can {a} say thank you to {b} for the {thing}?",
        ),
        held_out_phrasings=("Write a note of thanks to {b} from {a} for the {thing}.",),
        sample=_sample_note,
        answer=_note,
        accepts=_accepts_note,
        weight=3.0,
    ),
    Kind(
        name="story_title",
        sources=(ALPACA, SELF_INSTRUCT, TOPIC),
        phrasings=(
            "Suggest a title for a story about a {animal} and a {thing} in the {place}.",
            "A {animal} finds a {thing} in the {place}. What is a good title for this story?",
            "Give a title to a tale of a {animal}, a {thing} and the {place}.",
            "In my story a {animal} is in the {place} with a {thing}. Name the story.",
        ),
        held_out_phrasings=("What is a good title for a story of a {animal}, a {thing} and a {place}?",),
        sample=_sample_title,
        answer=_title,
        accepts=_accepts_all,
        weight=3.0,
    ),
    Kind(
        name="sentence_with",
        sources=(ALPACA, SELF_INSTRUCT, TOPIC, GENERATED_FLAN),
        phrasings=(
            "Write a sentence with the words {animal}, {place} and {adjective}.",
            "Use {adjective}, {animal} and {place} in one sentence.",
            "Make a sentence of these words: {place}, {adjective}, {animal}",
            "Build a sentence from {animal}, {adjective} and {place}.",
        ),
        held_out_phrasings=("Make one sentence with the words {adjective}, {place} and {animal}.",),
        sample=_sample_sentence,
        answer=_sentence,
        accepts=_accepts_sentence,
        weight=3.0,
    ),
)
