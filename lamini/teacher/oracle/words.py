"""Kinds that pick from, count and rearrange a line of words.

Their skill is copying by position: the words come from one closed list, the order carries the
answer, and a lookup by shared words is of no use.
"""

import random

from lamini.teacher.oracle.checking import same_items, same_letters
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
from lamini.teacher.oracle.vocabulary import COUNTS, WORDS


def _text(rng: random.Random, low: int = 3, high: int = 4) -> str:
    return " ".join(rng.sample(WORDS, rng.randint(low, high)))


def _sample_text(rng: random.Random) -> Fields:
    return {"text": _text(rng)}


def _nth(ordinal: str, index: int, sources: tuple[str, ...], unseen: bool = False) -> Kind:
    """The kind that asks for one word by its place."""
    return Kind(
        name=f"{ordinal}_word",
        sources=sources,
        phrasings=(
            f"Write the {ordinal} word of: {{text}}",
            f"What is the {ordinal} word in the list {{text}}?",
            f"Which word comes {ordinal} here: {{text}}?",
            f"Read {{text}} and give only the {ordinal} word.",
        ),
        held_out_phrasings=(f"Copy out just the {ordinal} word: {{text}}",),
        sample=_sample_text,
        answer=lambda fields: fields["text"].split()[index],
        weight=1.0,
        unseen=unseen,
    )


def _reversed(fields: Fields) -> str:
    return " ".join(reversed(fields["text"].split()))


def _swapped(fields: Fields) -> str:
    first, *middle, last = fields["text"].split()
    return " ".join([last, *middle, first])


def _upper(fields: Fields) -> str:
    return fields["text"].upper()


def _initials(fields: Fields) -> str:
    return " ".join(word[0] for word in fields["text"].split())


def _sample_member(rng: random.Random) -> Fields:
    words = rng.sample(WORDS, rng.randint(3, 4))
    return {"text": " ".join(words), "word": rng.choice(words)}


def _without(fields: Fields) -> str:
    words = fields["text"].split()
    words.remove(fields["word"])
    return " ".join(words)


def _sample_replacement(rng: random.Random) -> Fields:
    *words, new = rng.sample(WORDS, rng.randint(4, 5))
    return {"text": " ".join(words), "old": rng.choice(words), "new": new}


def _replaced(fields: Fields) -> str:
    words = fields["text"].split()
    words[words.index(fields["old"])] = fields["new"]
    return " ".join(words)


def _sample_extra(rng: random.Random) -> Fields:
    word, *words = rng.sample(WORDS, rng.randint(3, 4))
    return {"text": " ".join(words), "word": word}


def _sample_occurrences(rng: random.Random) -> Fields:
    word, *others = rng.sample(WORDS, 3)
    words = [word] * rng.randint(1, 5) + others[: rng.randint(1, 2)]
    rng.shuffle(words)
    return {"text": " ".join(words), "word": word}


def _occurrences(fields: Fields) -> str:
    return str(fields["text"].split().count(fields["word"]))


def _sample_repeat(rng: random.Random) -> Fields:
    return {"text": " ".join(rng.sample(WORDS, 2)), "count": rng.choice(COUNTS[1:4])}


def _repeated(fields: Fields) -> str:
    return " ".join([fields["text"]] * (COUNTS.index(fields["count"]) + 1))


WORD_KINDS = (
    _nth("first", 0, (SELF_INSTRUCT, ALPACA, GENERATED_P3)),
    _nth("second", 1, (SELF_INSTRUCT, TOPIC)),
    _nth("last", -1, (SELF_INSTRUCT, ALPACA, GENERATED_FLAN)),
    _nth("third", 2, (SELF_INSTRUCT, TOPIC), unseen=True),
    Kind(
        name="reverse_words",
        sources=(SELF_INSTRUCT, ALPACA, TOPIC),
        phrasings=(
            "Write these words in reverse order: {text}",
            "Reverse the order of the words: {text}",
            "Read {text} backwards, word by word.",
            "Turn this line of words around: {text}",
        ),
        held_out_phrasings=("Give the words of this line in reverse order: {text}",),
        sample=_sample_text,
        answer=_reversed,
        accepts=same_items(_reversed),
        weight=0.3,
    ),
    Kind(
        name="swap_ends",
        sources=(SELF_INSTRUCT, ALPACA),
        phrasings=(
            "Swap the first and the last word: {text}",
            "Write {text} with the first and the last word exchanged.",
            "Let the first and the last word of this line change places: {text}",
        ),
        held_out_phrasings=("Exchange the first and the last word in: {text}",),
        sample=_sample_text,
        answer=_swapped,
        accepts=same_items(_swapped),
        unseen=True,
    ),
    Kind(
        name="upper_case",
        sources=(SELF_INSTRUCT, ALPACA, TOPIC),
        phrasings=(
            "Write in capital letters: {text}",
            "Change this text to upper case: {text}",
            "How does {text} look in capital letters?",
            "Put {text} into upper case.",
        ),
        held_out_phrasings=("Give this text in capital letters: {text}",),
        sample=lambda rng: {"text": _text(rng, 1, 3)},
        answer=_upper,
        accepts=same_letters(_upper),
        weight=0.3,
    ),
    Kind(
        name="initials",
        sources=(SELF_INSTRUCT, TOPIC, GENERATED_P3),
        phrasings=(
            "Write the first letter of each word: {text}",
            "Which letters do these words begin with: {text}?",
            "Give the initial letters of {text} in order.",
            "Take only the first letters of: {text}",
        ),
        held_out_phrasings=("List the initial letters of these words: {text}",),
        sample=lambda rng: {"text": _text(rng, 2, 3)},
        answer=_initials,
        accepts=same_items(_initials),
        weight=0.3,
    ),
    Kind(
        name="remove_word",
        sources=(SELF_INSTRUCT, ALPACA, GENERATED_FLAN),
        phrasings=(
            "Remove the word {word} from: {text}",
            "Write {text} without the word {word}.",
            "Leave out {word} from this line: {text}",
            "Delete {word} and keep the rest: {text}",
        ),
        held_out_phrasings=("Take the word {word} out of this line: {text}",),
        sample=_sample_member,
        answer=_without,
        accepts=same_items(_without),
        weight=0.3,
    ),
    Kind(
        name="replace_word",
        sources=(SELF_INSTRUCT, ALPACA, TOPIC),
        phrasings=(
            "Replace {old} with {new} in: {text}",
            "Write {new} instead of {old} in this line: {text}",
            "Change the word {old} to {new}: {text}",
            "In the line {text} put {new} in place of {old}.",
        ),
        held_out_phrasings=("Write this line with {new} in place of {old}: {text}",),
        sample=_sample_replacement,
        answer=_replaced,
        accepts=same_items(_replaced),
        weight=0.3,
    ),
    Kind(
        name="add_word",
        sources=(SELF_INSTRUCT, ALPACA),
        phrasings=(
            "Add the word {word} at the end of: {text}",
            "Write {text} and then the word {word}.",
            "Put {word} after the last word of: {text}",
            "Let {word} be the new last word of: {text}",
        ),
        held_out_phrasings=("Write this line with {word} at the end: {text}",),
        sample=_sample_extra,
        answer=lambda fields: f"{fields['text']} {fields['word']}",
        weight=0.6,
    ),
    Kind(
        name="repeat_words",
        sources=(SELF_INSTRUCT, TOPIC),
        phrasings=(
            "Repeat {count} times: {text}",
            "Write {count} times in a row: {text}",
            "Say {text} exactly {count} times.",
            "Print {count} copies of: {text}",
        ),
        held_out_phrasings=("Write {count} copies of {text} in a row.",),
        sample=_sample_repeat,
        answer=_repeated,
        accepts=same_items(_repeated),
        weight=0.3,
    ),
    Kind(
        name="count_words",
        sources=(GENERATED_P3, P3, SELF_INSTRUCT),
        phrasings=(
            "How many words are here: {text}",
            "Count the words: {text}",
            "Give the number of words in: {text}",
            "What is the number of words in the line {text}?",
        ),
        held_out_phrasings=("How many words does the line {text} have?",),
        sample=lambda rng: {"text": _text(rng, 2, 8)},
        answer=lambda fields: str(len(fields["text"].split())),
        weight=0.3,
    ),
    Kind(
        name="count_word",
        sources=(GENERATED_P3, GENERATED_FLAN, FLAN),
        phrasings=(
            "How many times does {word} appear in: {text}",
            "Count how often the word {word} occurs: {text}",
            "How often is {word} in the line {text}?",
            "Give the number of times {word} occurs in: {text}",
        ),
        held_out_phrasings=("In the line {text}, how often does {word} appear?",),
        sample=_sample_occurrences,
        answer=_occurrences,
        weight=0.3,
    ),
    Kind(
        name="alphabetical_order",
        sources=(ALPACA, SELF_INSTRUCT, GENERATED_FLAN),
        phrasings=(
            "Put in alphabetical order: {text}",
            "Sort these words by the alphabet: {text}",
            "Arrange {text} alphabetically.",
            "In which order does a dictionary list {text}?",
        ),
        held_out_phrasings=("Arrange these words in alphabetical order: {text}",),
        sample=lambda rng: {"text": _text(rng, 2, 3)},
        answer=lambda fields: " ".join(sorted(fields["text"].split())),
        accepts=same_items(lambda fields: " ".join(sorted(fields["text"].split()))),
        weight=0.3,
    ),
)
