"""Wrong choices that the oracle would give itself: to other questions about the same words, or about others.

What stands in the instruction comes first, because whoever only copies finds it there too:

    another kind on the same fields   "Write the last word of: lemon hat owl" (owl): lemon, hat
    another field asked for           "Rosa has the clock, Emma the key. Who has the clock?" (Rosa): Emma
    one field exchanged               "Lucy broke the old book": Maria broke the old book
    another question of the kind      whatever is its answer
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from lamini.teacher.oracle import KINDS, is_right
from lamini.teacher.oracle.checking import normalise
from lamini.teacher.oracle.kinds import Fields, Kind
from lamini.teacher.oracle.matching import Matcher, field_names

WRONG = 3  # wrong choices of a row; fewer where a kind has fewer answers, such as yes and no
DRAWS = 40  # other instances of a kind looked at before it counts as having no more answers

FIELDS = {name: field_names(kind.phrasings[0]) for name, kind in KINDS.items()}


def wrong_answers(kind: str, instruction: str, rng: random.Random) -> list[str]:
    """One to `WRONG` different wrong answers to an instruction of that kind.

    None of them begins with the right one or is its beginning: a decoder-only model is not asked for the end
    of an answer, and so could never prefer the longer of the two.

    Raises:
        ValueError: the kind does not understand the instruction, or knows no wrong answer to it.
    """
    match = Matcher([KINDS[kind]]).match(instruction)
    if match is None:
        raise ValueError(f"{kind} does not understand {instruction!r}")
    right, wrong = normalise(match.answer), dict[str, str]()
    for text in _candidates(match.kind, match.fields, match.answer, rng):
        said = normalise(text)
        if not said or said in wrong or right.startswith(said) or said.startswith(right):
            continue
        if not is_right(kind, instruction, text):
            wrong[said] = text
        if len(wrong) == WRONG:
            break
    if not wrong:
        raise ValueError(f"{kind} knows no wrong answer to {instruction!r}")
    return list(wrong.values())


def _candidates(kind: Kind, fields: Fields, answer: str, rng: random.Random) -> Iterator[str]:
    """Answers to other questions, the likeliest to be taken for right first."""
    names = list(fields)
    others = [other for name, other in KINDS.items() if other != kind and FIELDS[name] == fields.keys()]
    rng.shuffle(others)
    texts = [_answer(other, fields) for other in others]
    yield from sorted(texts, key=lambda text: abs(len(text.split()) - len(answer.split())))
    drawn = [kind.sample(rng) for _ in range(DRAWS)]
    exchanges = [(name, other[name]) for other in drawn for name in [rng.choice(names)]]
    own = [(name, value) for name in names for value in fields.values()]
    rng.shuffle(own)
    for name, value in own + exchanges:
        text = _answer(kind, {**fields, name: value})
        if text in fields.values() and text != value:  # another field is asked for
            yield text
    yield from (_answer(kind, {**fields, name: value}) for name, value in exchanges)
    yield from map(kind.answer, drawn)


def _answer(kind: Kind, fields: Fields) -> str:
    """Its answer, or nothing where the fields make no sense to it."""
    try:
        return kind.answer(fields)
    except (ValueError, LookupError):
        return ""
