"""Kinds that write numbers in words and words in digits, 0 to 99.

Two numbers at a time: there are only a hundred, but ten thousand pairs of them, so the held-out
ones ask for composition and not for a fact never seen.
"""

import random

from lamini.teacher.oracle.checking import same_items
from lamini.teacher.oracle.kinds import (
    ALPACA,
    GENERATED_FLAN,
    SELF_INSTRUCT,
    TOPIC,
    Fields,
    Kind,
)
from lamini.teacher.oracle.vocabulary import listed

_ONES = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS = listed("twenty thirty forty fifty sixty seventy eighty ninety")


def in_words(number: int) -> str:
    """0..99 in English: 45 -> "forty-five"."""
    if not 0 <= number < 100:
        raise ValueError(f"{number} is not in 0..99")
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


_VALUE = {in_words(number): number for number in range(100)}


def _sample_spell(rng: random.Random) -> Fields:
    a, b = rng.sample(range(100), 2)
    return {"a": str(a), "b": str(b)}


def _spelt(fields: Fields) -> str:
    return f"{in_words(int(fields['a']))} and {in_words(int(fields['b']))}"


def _sample_digits(rng: random.Random) -> Fields:
    a, b = rng.sample(range(100), 2)
    return {"a": in_words(a), "b": in_words(b)}


def _digits(fields: Fields) -> str:
    return f"{_VALUE[fields['a']]} and {_VALUE[fields['b']]}"


NUMBER_WORD_KINDS = (
    Kind(
        name="numbers_to_words",
        sources=(SELF_INSTRUCT, ALPACA, TOPIC),
        phrasings=(
            "Write in words: {a} and {b}",
            "Spell out the numbers {a} and {b}.",
            "How do you write {a} and {b} in words?",
            "Put {a} and {b} into words.",
        ),
        held_out_phrasings=("Write the numbers {a} and {b} in words.",),
        sample=_sample_spell,
        answer=_spelt,
        accepts=same_items(_spelt),
        weight=0.3,
    ),
    Kind(
        name="words_to_numbers",
        sources=(SELF_INSTRUCT, TOPIC, GENERATED_FLAN),
        phrasings=(
            "Write in digits: {a} and {b}",
            "Give {a} and {b} as digits.",
            "How do you write {a} and {b} in digits?",
            "Turn {a} and {b} into digits.",
        ),
        held_out_phrasings=("Write the numbers {a} and {b} in digits.",),
        sample=_sample_digits,
        answer=_digits,
        accepts=same_items(_digits),
        weight=0.3,
    ),
)
