"""Kinds that change the form of words and sentences.

Plurals, tenses, opposites, the passive, pronouns, questions and negations of short sentences whose
parts come from closed lists: a mapping of one word, and copying of the rest.
"""

import random

from lamini.teacher.oracle.checking import same_items
from lamini.teacher.oracle.kinds import (
    ALPACA,
    FLAN,
    GENERATED_FLAN,
    GENERATED_P3,
    P3,
    SELF_INSTRUCT,
    TOPIC,
    Fields,
    Kind,
)
from lamini.teacher.oracle.vocabulary import (
    ADJECTIVES,
    CONTAINERS,
    GROUPS,
    IRREGULAR_PLURALS,
    NAMES,
    OPPOSITES,
    PARTICIPLE_OF,
    PAST_OF,
    PLACES,
    THINGS,
    VERBS,
    WOMEN,
)

_NOUNS = sorted(
    {word for group in ("animals", "fruits", "vehicles", "jobs", "tools") for word in GROUPS[group]}
    | {*IRREGULAR_PLURALS, *THINGS, *CONTAINERS}
)


def plural(noun: str) -> str:
    """The plural of an English noun of the word lists: "cherry" -> "cherries"."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun}s"


def _sample_nouns(rng: random.Random) -> Fields:
    first, second = rng.sample(_NOUNS, 2)
    return {"first": first, "second": second}


def _plurals(fields: Fields) -> str:
    return f"{plural(fields['first'])} and {plural(fields['second'])}"


def _sample_adjectives(rng: random.Random) -> Fields:
    first, second = rng.sample(ADJECTIVES, 2)
    return {"first": first, "second": second}


def _opposites(fields: Fields) -> str:
    return f"{OPPOSITES[fields['first']]} and {OPPOSITES[fields['second']]}"


def _sample_present(rng: random.Random) -> Fields:
    name, (verb, _, _) = rng.choice(NAMES), rng.choice(VERBS)
    return {"name": name, "verb": verb, "thing": rng.choice(THINGS), "place": rng.choice(PLACES)}


def _past(fields: Fields) -> str:
    past = PAST_OF[fields["verb"]]
    return f"{fields['name']} {past} the {fields['thing']} in the {fields['place']}"


def _sample_past(rng: random.Random) -> Fields:
    name, (_, past, _) = rng.choice(NAMES), rng.choice(VERBS)
    return {"name": name, "verb": past, "thing": rng.choice(THINGS), "place": rng.choice(PLACES)}


def _passive(fields: Fields) -> str:
    participle = PARTICIPLE_OF[fields["verb"]]
    return f"The {fields['thing']} was {participle} by {fields['name']}"


def _pronoun(fields: Fields) -> str:
    pronoun = "She" if fields["name"] in WOMEN else "He"
    return f"{pronoun} {fields['verb']} the {fields['thing']} in the {fields['place']}"


def _sample_state(rng: random.Random) -> Fields:
    place, adjective = rng.choice(PLACES), rng.choice(ADJECTIVES)
    return {"owner": rng.choice(NAMES), "place": place, "adjective": adjective}


def _question(fields: Fields) -> str:
    return f"Is the {fields['place']} of {fields['owner']} {fields['adjective']}?"


def _negation(fields: Fields) -> str:
    return f"The {fields['place']} of {fields['owner']} is not {fields['adjective']}"


def _sample_described(rng: random.Random) -> Fields:
    fields = _sample_past(rng)
    return {**fields, "adjective": rng.choice(ADJECTIVES)}


def _turned(fields: Fields) -> str:
    adjective = OPPOSITES[fields["adjective"]]
    return f"{fields['name']} {fields['verb']} the {adjective} {fields['thing']}"


GRAMMAR_KINDS = (
    Kind(
        name="plurals",
        sources=(SELF_INSTRUCT, ALPACA, TOPIC),
        phrasings=(
            "Write the plurals of {first} and {second}.",
            "What are the plural forms of {first} and {second}?",
            "Turn {first} and {second} into plurals.",
            "Put {first} and {second} into the plural.",
        ),
        held_out_phrasings=("Give the plural forms of {first} and {second}.",),
        sample=_sample_nouns,
        answer=_plurals,
        accepts=same_items(_plurals),
        weight=0.6,
    ),
    Kind(
        name="opposites",
        sources=(SELF_INSTRUCT, TOPIC, ALPACA, GENERATED_FLAN),
        phrasings=(
            "Write the opposites of {first} and {second}.",
            "What are the opposites of {first} and {second}?",
            "Which words mean the opposite of {first} and {second}?",
            "Give antonyms for {first} and {second}.",
        ),
        held_out_phrasings=("Give the opposites of {first} and {second}.",),
        sample=_sample_adjectives,
        answer=_opposites,
        accepts=same_items(_opposites),
        weight=0.6,
    ),
    Kind(
        name="opposite_sentence",
        sources=(SELF_INSTRUCT, GENERATED_FLAN),
        phrasings=(
            "Turn the adjective into its opposite: {name} {verb} the {adjective} {thing}.",
            "Rewrite with the opposite adjective: {name} {verb} the {adjective} {thing}.",
            "{name} {verb} the {adjective} {thing}. Write this with the opposite of {adjective}.",
            "Use the opposite of {adjective}: {name} {verb} the {adjective} {thing}.",
        ),
        held_out_phrasings=(
            "Write this with the opposite adjective: {name} {verb} the {adjective} {thing}.",
        ),
        sample=lambda rng: {k: v for k, v in _sample_described(rng).items() if k != "place"},
        answer=_turned,
        weight=4.0,
    ),
    Kind(
        name="past_tense",
        sources=(SELF_INSTRUCT, ALPACA, GENERATED_FLAN),
        phrasings=(
            "Put into the past tense: {name} {verb} the {thing} in the {place}.",
            "Rewrite in the past: {name} {verb} the {thing} in the {place}.",
            "{name} {verb} the {thing} in the {place}. How do you say that about yesterday?",
            "Change the present to the past: {name} {verb} the {thing} in the {place}.",
        ),
        held_out_phrasings=("Write this in the past: {name} {verb} the {thing} in the {place}.",),
        sample=_sample_present,
        answer=_past,
        weight=4.0,
    ),
    Kind(
        name="passive",
        sources=(GENERATED_FLAN, FLAN, ALPACA, P3),
        phrasings=(
            "Rewrite in the passive: {name} {verb} the {thing}.",
            "Say this in the passive voice: {name} {verb} the {thing}.",
            "{name} {verb} the {thing}. Paraphrase this, starting with: The {thing}",
            "Turn into the passive voice: {name} {verb} the {thing}.",
        ),
        held_out_phrasings=("Paraphrase in the passive voice: {name} {verb} the {thing}.",),
        sample=lambda rng: {k: v for k, v in _sample_past(rng).items() if k != "place"},
        answer=_passive,
        weight=4.0,
    ),
    Kind(
        name="pronoun",
        sources=(GENERATED_P3, GENERATED_FLAN, SELF_INSTRUCT),
        phrasings=(
            "Replace the name with he or she: {name} {verb} the {thing} in the {place}.",
            "Rewrite with a pronoun: {name} {verb} the {thing} in the {place}.",
            "{name} {verb} the {thing} in the {place}. Write this without the name {name}.",
            "Use he or she and not the name: {name} {verb} the {thing} in the {place}.",
        ),
        held_out_phrasings=("Write this with he or she: {name} {verb} the {thing} in the {place}.",),
        sample=_sample_past,
        answer=_pronoun,
        weight=4.0,
    ),
    Kind(
        name="question_form",
        sources=(SELF_INSTRUCT, ALPACA, GENERATED_P3),
        phrasings=(
            "Turn into a question: The {place} of {owner} is {adjective}.",
            "Make this a question: The {place} of {owner} is {adjective}.",
            "Rewrite as a question: The {place} of {owner} is {adjective}.",
            "Ask whether this is true: The {place} of {owner} is {adjective}.",
        ),
        held_out_phrasings=("Write this as a question: The {place} of {owner} is {adjective}.",),
        sample=_sample_state,
        answer=_question,
        weight=4.0,
    ),
    Kind(
        name="negation",
        sources=(SELF_INSTRUCT, ALPACA),
        phrasings=(
            "Turn into a negative sentence: The {place} of {owner} is {adjective}.",
            "Make this negative: The {place} of {owner} is {adjective}.",
            "Rewrite with not: The {place} of {owner} is {adjective}.",
        ),
        held_out_phrasings=("Write this with not: The {place} of {owner} is {adjective}.",),
        sample=_sample_state,
        answer=_negation,
        unseen=True,
    ),
)
