"""Kinds about what a word or a name refers to: pronouns, owners, whereabouts.

The answer is always one of the words of the text; which one is a matter of reference, as in the
coreference sets of P3 and FLAN.
"""

import random

from lamini.teacher.oracle.checking import same_name
from lamini.teacher.oracle.kinds import (
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
    CONTAINERS,
    GROUPS,
    MEN,
    NAMES,
    PLACES,
    THINGS,
    WOMEN,
)

_LARGE, _SMALL = ("big", "large", "wide", "long"), ("small", "little", "narrow", "short")


def _sample_fit(rng: random.Random) -> Fields:
    thing = rng.choice(THINGS + GROUPS["tools"])
    return {
        "thing": thing,
        "container": rng.choice(CONTAINERS),
        "size": rng.choice(_LARGE + _SMALL),
    }


def _fit(fields: Fields) -> str:
    if fields["size"] not in _LARGE + _SMALL:
        raise ValueError("not a size")
    return fields["thing"] if fields["size"] in _LARGE else fields["container"]


def _sample_pronoun(rng: random.Random) -> Fields:
    pair = [rng.choice(WOMEN), rng.choice(MEN)]
    rng.shuffle(pair)
    return {
        "a": pair[0],
        "b": pair[1],
        "place": rng.choice(PLACES),
        "pronoun": rng.choice(("She", "He")),
        "adjective": rng.choice(ADJECTIVES),
    }


def _referent(fields: Fields) -> str:
    names = {"She": WOMEN, "He": MEN}[fields["pronoun"]]
    (answer,) = (fields[key] for key in "ab" if fields[key] in names)
    return answer


def _sample_places(rng: random.Random) -> Fields:
    a, b = rng.sample(NAMES, 2)
    p, q = rng.sample(PLACES, 2)
    return {"a": a, "b": b, "p": p, "q": q, "who": rng.choice((a, b))}


def _where(fields: Fields) -> str:
    return {fields["a"]: fields["p"], fields["b"]: fields["q"]}[fields["who"]]


def _sample_owners(rng: random.Random) -> Fields:
    a, b, c = rng.sample(NAMES, 3)
    x, y, z = rng.sample(THINGS, 3)
    which = rng.choice((x, y, z))
    return {"a": a, "b": b, "c": c, "x": x, "y": y, "z": z, "which": which}


def _owner(fields: Fields) -> str:
    owners = zip((fields[k] for k in "xyz"), (fields[k] for k in "abc"), strict=True)
    return dict(owners)[fields["which"]]


REFERENCE_KINDS = (
    Kind(
        name="too_big",
        sources=(P3, FLAN, GENERATED_P3),
        phrasings=(
            "The {thing} does not fit into the {container} because it is too {size}. What is too {size}?",
            "I cannot put the {thing} into the {container}, it is too {size}. What does it mean?",
            "The {thing} will not go into the {container}. It is too {size}. Which one is it?",
            "As it is too {size}, the {container} cannot hold the {thing}. What is too {size}?",
        ),
        held_out_phrasings=(
            "The {container} cannot hold the {thing} because it is too {size}. Which one is it?",
        ),
        sample=_sample_fit,
        answer=_fit,
        accepts=same_name(_fit),
        weight=1.5,
    ),
    Kind(
        name="who_is_meant",
        sources=(P3, GENERATED_P3, FLAN),
        phrasings=(
            "{a} met {b} at the {place}. {pronoun} was {adjective}. Who was {adjective}?",
            "{a} and {b} were in the {place}. {pronoun} was {adjective}. Who was it?",
            "{a} saw {b} near the {place}. {pronoun} looked {adjective}. Name this person.",
            "At the {place}, {a} spoke to {b}. {pronoun} seemed {adjective}. Who did?",
        ),
        held_out_phrasings=(
            "{a} and {b} met in the {place}. {pronoun} looked {adjective}. Who was {adjective}?",
        ),
        sample=_sample_pronoun,
        answer=_referent,
        weight=2.0,
    ),
    Kind(
        name="where_is",
        sources=(P3, GENERATED_P3, FLAN, TOPIC),
        phrasings=(
            "{a} went to the {p}. {b} went to the {q}. Where is {who}?",
            "{a} is in the {p} and {b} is in the {q}. In which place is {who}?",
            "While {a} walked to the {p}, {b} ran to the {q}. Where did {who} go?",
            "Find {who}: {a} is at the {p}, {b} at the {q}.",
        ),
        held_out_phrasings=("{a} walked to the {p} and {b} to the {q}. Where is {who}?",),
        sample=_sample_places,
        answer=_where,
        accepts=same_name(_where),
        weight=2.5,
    ),
    Kind(
        name="who_has",
        sources=(P3, GENERATED_P3, GENERATED_FLAN),
        phrasings=(
            "{a} has the {x}, {b} has the {y} and {c} has the {z}. Who has the {which}?",
            "The {x} belongs to {a}, the {y} to {b}, the {z} to {c}. Whose is the {which}?",
            "{a} took the {x}. {b} took the {y}. {c} took the {z}. Who took the {which}?",
            "Who holds the {which} if {a} holds the {x}, {b} the {y} and {c} the {z}?",
        ),
        held_out_phrasings=(
            "{a} holds the {x}, {b} holds the {y} and {c} holds the {z}. Whose is the {which}?",
        ),
        sample=_sample_owners,
        answer=_owner,
        weight=2.5,
    ),
)
