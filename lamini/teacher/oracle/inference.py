"""Kinds that follow from what a few sentences say: comparison, deduction, entailment.

The answer stands in the text, and which of its words it is depends on the relation: the puzzles of
P3 and FLAN in miniature.
"""

import random

from lamini.teacher.oracle.kinds import (
    ALPACA,
    FLAN,
    GENERATED_FLAN,
    GENERATED_P3,
    P3,
    TOPIC,
    Fields,
    Kind,
)
from lamini.teacher.oracle.vocabulary import (
    ADJECTIVES,
    COLOURS,
    JOBS,
    NAMES,
    PLACES,
    THINGS,
)

# more -> (its opposite, most, least)
_SCALES = {
    "taller": ("shorter", "tallest", "shortest"),
    "older": ("younger", "oldest", "youngest"),
    "faster": ("slower", "fastest", "slowest"),
    "stronger": ("weaker", "strongest", "weakest"),
    "richer": ("poorer", "richest", "poorest"),
    "happier": ("sadder", "happiest", "saddest"),
}


def _sample_extreme(rng: random.Random) -> Fields:
    a, b, c = rng.sample(NAMES, 3)
    more = rng.choice(list(_SCALES))
    return {"a": a, "b": b, "c": c, "more": more, "most": rng.choice(_SCALES[more][1:])}


def _extreme(fields: Fields) -> str:
    _, most, least = _SCALES[fields["more"]]
    return {most: fields["a"], least: fields["c"]}[fields["most"]]


def _sample_compared(rng: random.Random) -> Fields:
    a, b = rng.sample(NAMES, 2)
    more = rng.choice(list(_SCALES))
    return {"a": a, "b": b, "more": more, "asked": rng.choice((more, _SCALES[more][0]))}


def _compared(fields: Fields) -> str:
    more = fields["more"]
    return {more: fields["a"], _SCALES[more][0]: fields["b"]}[fields["asked"]]


def _sample_deduction(rng: random.Random) -> Fields:
    job, other = rng.sample(JOBS, 2)
    quality, second = rng.sample(ADJECTIVES, 2)
    return {
        "name": rng.choice(NAMES),
        "job": rng.choice((job, other)),
        "first": job,
        "second": other,
        "quality": quality,
        "other": second,
    }


def _deduced(fields: Fields) -> str:
    jobs = {fields["first"]: fields["quality"], fields["second"]: fields["other"]}
    return jobs[fields["job"]]


def _sample_claim(rng: random.Random) -> Fields:
    told = {
        "name": rng.choice(NAMES),
        "colour": rng.choice(COLOURS),
        "thing": rng.choice(THINGS),
        "place": rng.choice(PLACES),
    }
    lists = {"name": NAMES, "colour": COLOURS, "thing": THINGS, "place": PLACES}
    claim = dict(told)
    changed = rng.choice((None, ("colour", "place"), ("name", "thing")))
    if changed:
        key = rng.choice(changed)
        claim[key] = rng.choice([word for word in lists[key] if word != told[key]])
    return told | {f"{key}_b": word for key, word in claim.items()}


def _verdict(fields: Fields) -> str:
    differ = {key for key in ("name", "colour", "thing", "place") if fields[key] != fields[f"{key}_b"]}
    if not differ:
        return "yes"
    return "maybe" if differ & {"name", "thing"} else "no"


_TOLD = "{name} has one {thing}, a {colour} one in the {place}."
_CLAIM = "{name_b} has a {colour_b} {thing_b} in the {place_b}"

INFERENCE_KINDS = (
    Kind(
        name="extreme_of_three",
        sources=(P3, FLAN, GENERATED_FLAN),
        phrasings=(
            "{a} is {more} than {b}. {b} is {more} than {c}. Who is the {most}?",
            "{b} is {more} than {c}. {a} is {more} than {b}. Who is the {most} of them?",
            "If {a} is {more} than {b} and {b} is {more} than {c}, who is the {most}?",
            "Who is the {most} when {a} is {more} than {b} and {b} is {more} than {c}?",
        ),
        held_out_phrasings=(
            "If {b} is {more} than {c} and {a} is {more} than {b}, who is the {most} of them?",
        ),
        sample=_sample_extreme,
        answer=_extreme,
        weight=1.0,
    ),
    Kind(
        name="compared_two",
        sources=(P3, FLAN, GENERATED_P3, TOPIC),
        phrasings=(
            "{a} is {more} than {b}. Who is {asked}?",
            "Who is {asked} if {a} is {more} than {b}?",
            "We know that {a} is {more} than {b}. Which of the two is {asked}?",
            "Of {a} and {b}, {a} is {more}. Who is {asked}?",
        ),
        held_out_phrasings=("If {a} is {more} than {b}, which of the two is {asked}?",),
        sample=_sample_compared,
        answer=_compared,
        weight=2.0,
    ),
    Kind(
        name="deduction",
        sources=(FLAN, GENERATED_FLAN, P3),
        phrasings=(
            "Every {first} is {quality}. Every {second} is {other}. {name} is a {job}. What is {name} like?",
            "{name} is a {job}. Each {first} is {quality} and each {second} is {other}. How is {name}?",
            "If any {first} is {quality} and any {second} is {other}, how is the {job} {name}?",
            "Here every {first} is {quality}, every {second} {other}. Describe {name}, a {job}.",
        ),
        held_out_phrasings=(
            "Each {first} is {quality}. Each {second} is {other}. {name} is a {job}. How is {name}?",
        ),
        sample=_sample_deduction,
        answer=_deduced,
        weight=2.5,
    ),
    Kind(
        name="entailment",
        sources=(FLAN, P3, GENERATED_FLAN, ALPACA),
        phrasings=(
            f"{_TOLD} Does it follow that {_CLAIM}: yes, no or maybe?",
            f"Premise: {_TOLD} Hypothesis: {_CLAIM}. Yes, no or maybe?",
            f"{_TOLD} Is it true that {_CLAIM}? Say yes, no or maybe.",
            f"Is it yes, no or maybe that {_CLAIM}, when we know this: {_TOLD}",
        ),
        held_out_phrasings=(f"{_TOLD} Claim: {_CLAIM}. Is it true: yes, no or maybe?",),
        sample=_sample_claim,
        answer=_verdict,
        weight=0.3,
    ),
)
