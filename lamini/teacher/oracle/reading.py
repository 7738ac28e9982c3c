"""Kinds that read a sentence: questions about it, its mood, its topic, its meaning.

Classification with two labels is kept at a low weight, balanced, so that the majority answer of the
whole set stays weak.
"""

import random

from lamini.teacher.oracle.checking import normalise, same_name
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
from lamini.teacher.oracle.vocabulary import DAYS, NAMES, PLACES, THINGS, VERBS, listed

_QUESTIONS = {
    "Who was it?": "name",
    "Which thing was it?": "thing",
    "Where was it?": "place",
    "On which day was it?": "day",
}
_POSITIVE = listed("good great lovely excellent wonderful pleasant perfect charming")
_NEGATIVE = listed("bad awful terrible horrible poor unpleasant dreadful boring")
_SURE = listed("very really truly always")
_NOT = listed("not never hardly rarely")
_REVIEWED = listed("soup film book hotel room music play song show meal")
_TOPICS = {
    "sport": listed("goal match referee striker tennis marathon stadium swimmer"),
    "music": listed("melody concert choir orchestra chorus rhythm ballad composer"),
    "food": listed("recipe dinner pasta breakfast bakery salad pudding spice"),
    "weather": listed("storm rain snow fog thunder sunshine breeze frost"),
    "money": listed("bank loan price salary tax budget coin wage"),
    "health": listed("fever medicine vaccine hospital headache surgeon clinic pill"),
}
_TOPIC_OF = {word: topic for topic, words in _TOPICS.items() for word in words}
_TIMES = listed("yesterday today tonight again later first twice")
_SAME = (
    ("bought", "purchased"),
    ("began", "started"),
    ("shut", "closed"),
    ("got", "received"),
    ("fixed", "repaired"),
    ("needed", "required"),
)
_SAME_ADJECTIVE = (
    ("big", "large"),
    ("fast", "quick"),
    ("clever", "smart"),
    ("pretty", "beautiful"),
    ("curious", "strange"),
    ("silent", "quiet"),
)
_TWIN = {a: b for x, y in _SAME + _SAME_ADJECTIVE for a, b in ((x, y), (y, x))}


def _sample_report(rng: random.Random) -> Fields:
    return {
        "name": rng.choice(NAMES),
        "verb": rng.choice(VERBS)[1],
        "thing": rng.choice(THINGS),
        "place": rng.choice(PLACES),
        "day": rng.choice(DAYS),
        "question": rng.choice(list(_QUESTIONS)),
    }


def _extracted(fields: Fields) -> str:
    return fields[_QUESTIONS[fields["question"]]]


def _sample_review(rng: random.Random) -> Fields:
    return {
        "name": rng.choice(NAMES),
        "thing": rng.choice(_REVIEWED),
        "adverb": rng.choice(_SURE + _NOT),
        "adjective": rng.choice(_POSITIVE + _NEGATIVE),
    }


def _mood(fields: Fields) -> str:
    adverb, adjective = fields["adverb"], fields["adjective"]
    if adverb not in _SURE + _NOT or adjective not in _POSITIVE + _NEGATIVE:
        raise ValueError("a word outside the review's lists")
    return "positive" if (adverb in _SURE) == (adjective in _POSITIVE) else "negative"


def _sample_talk(rng: random.Random) -> Fields:
    a, b = rng.sample(NAMES, 2)
    return {"a": a, "b": b, "noun": rng.choice(list(_TOPIC_OF)), "time": rng.choice(_TIMES)}


def _topic(fields: Fields) -> str:
    return _TOPIC_OF[fields["noun"]]


def _sample_pair(rng: random.Random) -> Fields:
    verb = rng.choice([word for pair in _SAME for word in pair])
    adjective = rng.choice([word for pair in _SAME_ADJECTIVE for word in pair])
    other_verb, other_adjective = _TWIN[verb], _TWIN[adjective]
    if rng.random() < 0.5:
        if rng.random() < 0.5:
            other_verb = rng.choice([w for p in _SAME if verb not in p for w in p])
        else:
            pool = [w for p in _SAME_ADJECTIVE if adjective not in p for w in p]
            other_adjective = rng.choice(pool)
    return {
        "name": rng.choice(NAMES),
        "thing": rng.choice(THINGS),
        "verb": verb,
        "adjective": adjective,
        "other_verb": other_verb,
        "other_adjective": other_adjective,
    }


def _same_meaning(fields: Fields) -> str:
    same = fields["other_verb"] in (fields["verb"], _TWIN[fields["verb"]]) and fields["other_adjective"] in (
        fields["adjective"],
        _TWIN[fields["adjective"]],
    )
    return "yes" if same else "no"


def _sample_reworded(rng: random.Random) -> Fields:
    fields = _sample_pair(rng)
    return {key: fields[key] for key in ("name", "thing", "verb", "adjective")}


def _reworded(fields: Fields) -> str:
    verb, adjective = _TWIN[fields["verb"]], _TWIN[fields["adjective"]]
    return f"{fields['name']} {verb} a {adjective} {fields['thing']}"


def _accepts_reworded(fields: Fields, text: str) -> bool:
    said = normalise(text).split()
    told = normalise(f"{fields['name']} {fields['verb']} a {fields['adjective']} {fields['thing']}")
    choices = [{word, _TWIN.get(word, word)} for word in told.split()]
    fits = len(said) == len(choices) and all(w in c for w, c in zip(said, choices, strict=True))
    return fits and said[1] != fields["verb"] and said[3] != fields["adjective"]


_REPORT = "On {day} {name} {verb} the {thing} in the {place}."
_FIRST = "{name} {verb} a {adjective} {thing}."
_SECOND = "{name} {other_verb} a {other_adjective} {thing}."

READING_KINDS = (
    Kind(
        name="extract",
        sources=(P3, FLAN, GENERATED_P3, GENERATED_FLAN),
        phrasings=(
            f"{_REPORT} {{question}}",
            f"Read this and answer. {_REPORT} {{question}}",
            f"{{question}} Text: {_REPORT}",
            "{name} {verb} the {thing} in the {place} on {day}. Question: {question}",
        ),
        held_out_phrasings=(f"Text: {_REPORT} Question: {{question}}",),
        sample=_sample_report,
        answer=_extracted,
        accepts=same_name(_extracted),
        weight=5.0,
    ),
    Kind(
        name="sentiment",
        sources=(P3, FLAN, GENERATED_P3, TOPIC),
        phrasings=(
            "Is this positive or negative? {name} says the {thing} is {adverb} {adjective}.",
            "Review by {name}: The {thing} is {adverb} {adjective}. Positive or negative?",
            "What is the sentiment? The {thing} is {adverb} {adjective}, says {name}.",
            "{name} finds the {thing} {adverb} {adjective}. Positive or negative opinion?",
        ),
        held_out_phrasings=("{name} says the {thing} is {adverb} {adjective}. What is the sentiment?",),
        sample=_sample_review,
        answer=_mood,
        weight=0.8,
    ),
    Kind(
        name="topic",
        sources=(P3, FLAN, GENERATED_FLAN, TOPIC),
        phrasings=(
            "What is the topic? {a} and {b} talked about the {noun} {time}.",
            "{a} told {b} of the {noun} {time}. Is this sport, music, food, weather, money or health?",
            "{a} asked {b} about the {noun} {time}. Name the topic.",
            "Name the topic of this text: {a} wrote to {b} about the {noun} {time}.",
        ),
        held_out_phrasings=("{a} talked to {b} about the {noun} {time}. What is the topic?",),
        sample=_sample_talk,
        answer=_topic,
        weight=0.5,
    ),
    Kind(
        name="same_meaning",
        sources=(P3, FLAN, GENERATED_P3),
        phrasings=(
            f"Do these mean the same? {_FIRST} {_SECOND}",
            f"{_FIRST} {_SECOND} Is this a paraphrase, yes or no?",
            f"Sentence one: {_FIRST} Sentence two: {_SECOND} Is the meaning the same?",
            f"Yes or no: does this say the same twice? {_FIRST} {_SECOND}",
        ),
        held_out_phrasings=(f"{_FIRST} {_SECOND} Do these mean the same, yes or no?",),
        sample=_sample_pair,
        answer=_same_meaning,
        weight=0.3,
    ),
    Kind(
        name="paraphrase",
        sources=(GENERATED_FLAN, ALPACA, SELF_INSTRUCT, FLAN),
        phrasings=(
            f"Paraphrase: {_FIRST}",
            f"Say this in other words: {_FIRST}",
            f"{_FIRST} Write the same with synonyms.",
            f"Rewrite with synonyms for {{verb}} and {{adjective}}: {_FIRST}",
        ),
        held_out_phrasings=(f"Write this in other words: {_FIRST}",),
        sample=_sample_reworded,
        answer=_reworded,
        accepts=_accepts_reworded,
        weight=4.0,
    ),
)
